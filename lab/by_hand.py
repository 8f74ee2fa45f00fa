"""Base64url and HMAC-SHA256 in a few plain lines, so that nothing about a signature stays hidden in a library."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_BLOCK_BYTES = 64


class NotBase64url(ValueError):
    """The text is not canonical base64url; the message says where."""


def base64url_encode(data: bytes) -> str:
    """Write bytes as base64url without padding (RFC 7515 §2): each character carries six bits."""
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 6)
    return "".join(ALPHABET[int(bits[start : start + 6], 2)] for start in range(0, len(bits), 6))


def base64url_decode(text: str) -> bytes:
    """Read base64url and accept exactly one spelling of any bytes. Raises `NotBase64url`."""
    for position, character in enumerate(text, start=1):
        if character not in ALPHABET:
            raise NotBase64url(f"character {position} is {character!r}, which base64url does not have")
    if len(text) % 4 == 1:
        raise NotBase64url(f"{len(text)} characters cannot be whole bytes: some are missing")
    bits = "".join(f"{ALPHABET.index(character):06b}" for character in text)
    whole = len(bits) - len(bits) % 8
    if "1" in bits[whole:]:
        raise NotBase64url(
            f"the last character {text[-1]!r} sets its {len(bits) - whole} spare bits, which must be zero: "
            "lenient decoders ignore them, and then one signature has several spellings"
        )
    return int("1" + bits[:whole], 2).to_bytes(whole // 8 + 1, "big")[1:]


def hmac_sha256(secret: bytes, message: bytes) -> bytes:
    """Compute HMAC-SHA256 (RFC 2104): hash the message under the secret twice, padded in two ways."""
    if len(secret) > _BLOCK_BYTES:
        secret = hashlib.sha256(secret).digest()
    block = secret.ljust(_BLOCK_BYTES, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + message).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in block) + inner).digest()


def same_bytes(expected: bytes, given: bytes) -> bool:
    """Compare in a time that does not tell how many leading bytes were right."""
    return hmac.compare_digest(expected, given)


def compact_json(value: Mapping[str, Any]) -> bytes:
    """Write JSON with no space to spare, as it goes into a token."""
    return json.dumps(value, separators=(",", ":")).encode()
