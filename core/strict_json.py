"""Read base64url and JSON the strict way: one meaning or none (RFC 8725 successor draft §3.14, RFC 7515 §4).

PyJWT and the standard library are lenient here: `=` padding, stray bits, duplicate names, NaN, UTF-16, and more.
"""

import binascii
import json
import re
from typing import Any, NoReturn

_TO_STANDARD = bytes.maketrans(b"-_+/=", b"+/!!!")
_SPARE_BITS_ZERO = {2: frozenset(b"AQgw"), 3: frozenset(b"AEIMQUYcgkosw048")}


class NotStrict(ValueError):
    """The text has no meaning, or more than one."""


def base64url_bytes(segment: str) -> bytes:
    """Decode canonical, unpadded base64url (RFC 7515 §2): exactly one text for each byte string. Raises `NotStrict`."""
    try:
        raw = segment.encode("ascii")
        rest = len(raw) & 3
        if rest == 0:
            return binascii.a2b_base64(raw.translate(_TO_STANDARD), strict_mode=True)
        if rest == 1 or raw[-1] not in _SPARE_BITS_ZERO[rest]:
            raise NotStrict("base64url")
        return binascii.a2b_base64(raw.translate(_TO_STANDARD) + b"=="[rest - 2 :], strict_mode=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise NotStrict("base64url") from error


_BASE64URL = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
_CHARS_OF_256_BITS = 43


def is_256_bits(text: str) -> bool:
    """Tell whether `text` has the form of 32 random bytes as we write them: session ids, refresh and opaque tokens."""
    return len(text) == _CHARS_OF_256_BITS and _BASE64URL.issuperset(text)


def base64url_text(data: bytes) -> str:
    """Encode as unpadded base64url."""
    return binascii.b2a_base64(data, newline=False).decode().translate({43: "-", 47: "_", 61: None})


def _object_without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotStrict("duplicate member name")
    return members


def _no_constant(name: str) -> NoReturn:
    raise NotStrict(f"{name} is not JSON")


_decoder = json.JSONDecoder(object_pairs_hook=_object_without_duplicates, parse_constant=_no_constant)
_surrogate = re.compile("[\ud800-\udfff]")


def json_object(data: bytes) -> dict[str, Any]:
    """Parse one JSON object from strict UTF-8: no BOM, duplicate names, NaN or lone surrogates. Raises `NotStrict`."""
    try:
        text = data.decode("utf-8")
        members = _decoder.decode(text)
    except (ValueError, RecursionError) as error:
        raise NotStrict("JSON") from error
    if type(members) is not dict:
        raise NotStrict("not a JSON object")
    if "\\u" in text and _surrogate.search(json.dumps(members, ensure_ascii=False)):
        raise NotStrict("lone surrogate")
    return members
