"""A token whose text can be read in two ways, or in none (JWT-01, JWT-15, JWT-16; RFC 8725 successor draft §3.14)."""

import json
import time

import pytest

from core.access_token import TokenVerifier
from core.errors import Rejected
from core.keys import KeyRing, secret_key
from tests.attacks.forge import b64, signed, unb64
from tests.attacks.insider import Insider
from tests.attacks.system import Resource
from tests.attacks.verdicts import assert_refused, present

BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def in_process(insider: Insider) -> TokenVerifier:
    """Return the verifier of the servers, without a server around it."""
    ring = KeyRing([secret_key(insider.key, insider.kid)])
    return TokenVerifier(
        issuer=insider.issuer, audiences=frozenset({"authlab-api"}), ring=lambda: ring, clock=time.time
    )


def test_only_three_segments_are_a_token(resources: list[Resource], insider: Insider) -> None:
    good = insider.sign()
    header, payload, signature = good.split(".")
    assert_refused(
        resources,
        {
            "one": header,
            "two": f"{header}.{payload}",
            "four": f"{good}.{signature}",
            "five, as an encrypted token has": f"{header}.{payload}.{signature}.{payload}.{signature}",
            "detached payload (RFC 7515 F)": f"{header}..{signature}",
            "no header": f".{payload}.{signature}",
            "no signature": f"{header}.{payload}.",
            "dot in front": f".{good}",
            "dot behind": f"{good}.",
            "two dots": f"{header}..{payload}.{signature}",
            "dots": "..",
            "many dots": "." * 4000,
        },
    )


def test_no_other_serialization_is_a_token(resources: list[Resource], insider: Insider) -> None:
    """RFC 7515 §7.2: nobody sends these by accident, and two parsers would see two tokens."""
    header, payload, signature = insider.sign().split(".")
    flattened = {"protected": header, "payload": payload, "signature": signature}
    general = {"payload": payload, "signatures": [{"protected": header, "signature": signature}]}
    tokens = {
        "flattened": json.dumps(flattened, separators=(",", ":")),
        "general": json.dumps(general, separators=(",", ":")),
        "flattened in base64": b64(json.dumps(flattened)),
        "quoted": f'"{header}.{payload}.{signature}"',
        "braced": f"{{{header}.{payload}.{signature}}}",
        "angle brackets": f"<{header}.{payload}.{signature}>",
        "list of tokens": f"{header}.{payload}.{signature},{header}.{payload}.{signature}",
        "percent-encoded dots": f"{header}%2E{payload}%2E{signature}",
        "HTML-encoded dots": f"{header}&#46;{payload}&#46;{signature}",
    }
    assert_refused(resources, tokens)


@pytest.mark.parametrize("extra", ["=", "==", "%", "+", "/", "~", "!", "*", "%3D", "-=", "A", "AA", "AAA"])
def test_no_segment_takes_another_character(resources: list[Resource], insider: Insider, extra: str) -> None:
    segments = insider.sign().split(".")
    tokens = {}
    for index, text in enumerate(segments):
        for cut in (0, len(text) // 2, len(text)):
            changed = [*segments]
            changed[index] = text[:cut] + extra + text[cut:]
            tokens[f"segment {index} at {cut}"] = ".".join(changed)
    assert_refused(resources, tokens)


def test_white_space_inside_a_token_is_refused(resources: list[Resource], insider: Insider) -> None:
    """At the end of the header's value it is no part of the token (RFC 9110 §5.5), so only there it does no harm."""
    good = insider.sign()
    half = len(good) // 2
    tokens = {repr(space): good[:half] + space + good[half:] for space in (" ", "\t", "  ")}
    tokens |= {f"{space!r} in front": space + good for space in (" ", "\t")}
    tokens |= {"after the dot": good.replace(".", ". "), "two tokens": f"{good} {good}"}
    assert_refused(resources, tokens)


def test_bytes_beyond_ascii_are_refused(resources: list[Resource], insider: Insider) -> None:
    """Raw on the wire: the reading of a header as Latin-1, UTF-8 or with surrogates must not matter."""
    good = insider.sign().encode()
    hostile = {f"{byte:#x}": good[:-1] + bytes([byte]) for byte in (0x80, 0xA0, 0xAD, 0xC0, 0xE9, 0xFE, 0xFF)}
    hostile |= {name: good + name.encode() for name in ("\uff41", "é", "\u200b", "\u2028", "\ufeff", "\uff21")}
    hostile |= {"overlong dot": good.replace(b".", b"\xc0\xae"), "wide dot": good.replace(b".", "\uff0e".encode())}
    assert_refused(resources, hostile)


def test_control_characters_never_reach_the_verifier(resources: list[Resource], insider: Insider) -> None:
    good = insider.sign().encode()
    for resource in resources:
        for byte in (*range(9), *range(10, 32), 127):
            answer = present(resource, good[:50] + bytes([byte]) + good[50:])
            assert answer.status in {400, 401}, (resource.name, byte, answer)


def test_a_segment_has_one_text_only(resources: list[Resource], insider: Insider) -> None:
    """Base64url leaves spare bits in the last character; all must be zero, or one token would have many texts."""
    *front, signature = insider.sign().split(".")
    variants = {letter: ".".join([*front, signature[:-1] + letter]) for letter in BASE64URL if letter != signature[-1]}
    same_bytes = {letter for letter in variants if unb64(signature[:-1] + letter) == unb64(signature)}
    assert 3 == len(same_bytes)
    assert_refused(resources, variants)


def payload_of(insider: Insider, more: str) -> str:
    return json.dumps(insider.claims())[:-1] + more + "}"


def test_a_name_that_comes_twice_is_refused(resources: list[Resource], insider: Insider) -> None:
    """RFC 7515 §4: a parser takes the first, the last, or refuses; we refuse, in the header and in the claims."""
    header = json.dumps(insider.header())
    twice = {
        "alg": header[:-1] + ',"alg":"HS256"}',
        "alg, none first": '{"alg":"none",' + header[1:],
        "kid": header[:-1] + f',"kid":"{insider.kid}"}}',
        "typ": '{"typ":"JWT",' + header[1:],
        "alg, escaped": header[:-1] + ',"\\u0061lg":"HS256"}',
    }
    tokens = {f"header: {name}": insider.sign(text) for name, text in twice.items()}
    for name, more in {
        "sub": ',"sub":"root"',
        "exp": ',"exp":99999999999',
        "roles": ',"roles":["admin"]',
        "sub, escaped": ',"\\u0073ub":"root"',
        "nested": ',"x":{"a":1,"a":2}',
    }.items():
        tokens[f"claims: {name}"] = insider.sign(None, payload_of(insider, more))
    assert_refused(resources, tokens)


def test_json_that_is_not_strict_is_refused(resources: list[Resource], insider: Insider) -> None:
    header, good = json.dumps(insider.header()), json.dumps(insider.claims())
    payloads: dict[str, bytes] = {
        "UTF-16": good.encode("utf-16"),
        "UTF-16 without a mark": good.encode("utf-16-le"),
        "UTF-32": good.encode("utf-32"),
        "byte order mark": b"\xef\xbb\xbf" + good.encode(),
        "Latin-1": payload_of(insider, ',"x":"é"').encode("latin-1"),
        "broken UTF-8": good.encode()[:-1] + b',"x":"\xc3\x28"}',
        "overlong UTF-8": good.encode()[:-1] + b',"x":"\xc0\xaf"}',
        "surrogates in UTF-8": good.encode()[:-1] + b',"x":"\xed\xa0\x80"}',
        "lone surrogate": payload_of(insider, ',"x":"\\ud800"').encode(),
        "lone surrogate in a name": payload_of(insider, ',"\\udfff":1').encode(),
        "NaN": payload_of(insider, ',"x":NaN').encode(),
        "Infinity": payload_of(insider, ',"x":-Infinity').encode(),
        "trailing comma": (good[:-1] + ",}").encode(),
        "comment": (good + "//x").encode(),
        "two objects": (good + good).encode(),
        "NUL behind": good.encode() + b"\0",
        "single quotes": good.replace('"', "'").encode(),
        "list": f"[{good}]".encode(),
        "text": json.dumps(good).encode(),
        "null": b"null",
        "number": b"1",
        "nothing": b"",
        "control character": payload_of(insider, ',"x":"a\nb"').encode(),
        "nested lists": payload_of(insider, ',"x":' + "[" * 1200 + "]" * 1200).encode(),
        "open lists": payload_of(insider, ',"x":' + "[" * 2000).encode(),
    }
    tokens = {f"claims: {name}": insider.sign(None, data) for name, data in payloads.items()}
    tokens |= {
        "header: byte order mark": insider.sign(b"\xef\xbb\xbf" + header.encode()),
        "header: UTF-16": insider.sign(header.encode("utf-16")),
        "header: lone surrogate": insider.sign(header[:-1] + ',"x":"\\ud800"}'),
        "header: list": insider.sign(f"[{header}]"),
        "header: NaN": insider.sign(header[:-1] + ',"x":NaN}'),
    }
    assert_refused(resources, tokens)


@pytest.mark.parametrize("depth", [10, 100, 300, 500, 900, 990, 995, 1000, 2000, 10_000, 100_000])
@pytest.mark.parametrize("escape", ["", "\\u0061"], ids=["plain", "escaped"])
def test_nesting_of_any_depth_is_an_answer_and_no_crash(insider: Insider, depth: int, escape: str) -> None:
    """PyJWT before 2.15.0 let a RecursionError out; ours must be a refusal or, within the size cap, a success."""
    verifier = in_process(insider)
    for opened, closed in (("[", "]"), ('{"a":', "}")):
        nested = f',"x":"{escape}","y":{opened * depth}1{closed * depth}'
        token = insider.sign(None, payload_of(insider, nested))
        try:
            assert "root" == verifier.verify(token).subject.id
        except Rejected:
            assert depth > 50


@pytest.mark.parametrize("claim", ["sub", "jti", "client_id", "sid"])
@pytest.mark.parametrize("value", ["", "\0", "root\0", "x" * 256], ids=["empty", "NUL", "NUL behind", "long"])
def test_an_identifier_that_another_program_would_cut_is_refused(
    resources: list[Resource], insider: Insider, claim: str, value: str
) -> None:
    assert_refused(resources, {claim: insider.sign(None, insider.claims(**{claim: value}))})


def test_a_good_token_with_unknown_members_is_accepted(resources: list[Resource], insider: Insider) -> None:
    """The strictness above must not grow into refusing what RFC 7519 §4 tells us to ignore."""
    token = signed(insider.header(x="y"), insider.claims(extra={"a": [1, None, "é", "\U0001f600"]}), insider.key)
    for resource in resources:
        assert 200 == present(resource, token).status, resource.name
