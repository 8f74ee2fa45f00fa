"""Requirements JWT-01 to JWT-20: what a resource server accepts, byte by byte."""

import json
import math
import os
import random
import string
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from core.access_token import MAX_TOKEN_CHARS, TokenVerifier, UnknownKey, VerifiedToken
from core.errors import Rejected
from core.keys import KeyRing, VerificationKey, secret_key
from tests.attacks.forge import b64, claims, segment, signature_of, signed

ISSUER = "http://127.0.0.1:8471"
NOW = 1_800_000_000.0
SECRET = os.urandom(32)
KEY = secret_key(SECRET, "current")
HEADER = {"alg": "HS256", "typ": "at+jwt", "kid": "current"}


class Clock:
    """A wall clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def verifier(ring: KeyRing | None = None, clock: Callable[[], float] | None = None) -> TokenVerifier:
    return TokenVerifier(
        issuer=ISSUER,
        audiences=frozenset({"authlab-api"}),
        ring=lambda: ring if ring is not None else KeyRing([KEY]),
        clock=clock or Clock(),
    )


def good(**changes: Any) -> dict[str, Any]:
    """Return claims that are good at `NOW`; None drops one."""
    return claims(ISSUER, **{"iat": NOW, "exp": NOW + 300, **changes})


def token(header: Any = HEADER, payload: Any = None, key: bytes = SECRET) -> str:
    return signed(header, good() if payload is None else payload, key)


def why_refused(text: str, on: TokenVerifier | None = None) -> str:
    """Return the check that refuses a token."""
    with pytest.raises(Rejected) as refused:
        (on or verifier()).verify(text)
    return refused.value.reason


def test_a_good_token_proves_who_is_asking() -> None:
    proved = verifier().verify(token(payload=good(sub="alice", jti="j", sid="s", roles=["user"], name="Alice")))
    assert (ISSUER, "alice", "Alice", ("user",), ("orders:read", "orders:write"), NOW) == (
        proved.subject.issuer,
        proved.subject.id,
        proved.subject.name,
        proved.subject.roles,
        proved.subject.scopes,
        proved.subject.issued_at,
    )
    assert ("j", "s", "authlab-web", "authlab-api", NOW + 300) == (
        proved.jti,
        proved.sid,
        proved.client_id,
        proved.audience,
        proved.expires_at,
    )


def test_a_token_may_lack_what_only_our_auth_server_adds() -> None:
    proved = verifier().verify(token(payload=good(sid=None, name=None, roles=None, scope=None)))
    assert (None, "root", (), ()) == (proved.sid, proved.subject.name, proved.subject.roles, proved.subject.scopes)


# --- JWT-01, JWT-02: the form -----------------------------------------------------------------------------------------


def test_only_three_segments_of_canonical_base64url_are_a_token() -> None:
    text = token()
    header, payload, signature = text.split(".")
    forms = [
        "", ".", "..", "...", header, f"{header}.{payload}", f"{header}.{payload}.", f".{payload}.{signature}",
        f"{header}..{signature}", f"{text}.", f".{text}", f"{text}.{signature}", f"{text}..", f" {text}", f"{text} ",
        f"{text}\n", f"\t{text}", f"{header} .{payload}.{signature}", text.replace(".", "%2E"),
        f'"{text}"', f"{{{text}}}",
        f"{header}=.{payload}.{signature}", f"{header}.{payload}=.{signature}", f"{text}=", f"{text}==", f"{text}\0",
        text.replace(".", "\u3002"), text + "é", "\udcff" + text, text[:-1] + "\udce9",
        json.dumps({"payload": payload, "protected": header, "signature": signature}),
        json.dumps({"payload": payload, "signatures": [{"protected": header, "signature": signature}]}),
    ]  # fmt: skip
    assert {"parse", "mac"} == {why_refused(form) for form in forms}


def test_even_a_holder_of_the_key_cannot_write_a_segment_in_another_way() -> None:
    for name in ("w", "wx", "wxy", "wxyz"):
        for header, payload in (
            (segment(HEADER) + "=" * (-len(segment(HEADER)) % 4 or 1), segment(good(name=name))),
            (segment(HEADER), segment(good(name=name)) + "=" * (-len(segment(good(name=name))) % 4 or 1)),
        ):
            mac = signature_of("HS256", SECRET, f"{header}.{payload}".encode())
            assert "parse" == why_refused(f"{header}.{payload}.{b64(mac)}")


def test_each_segment_has_one_text_only() -> None:
    """The same bytes in another text would be another token to whoever keys on the text."""
    for text in [token(payload=good(name=name)) for name in ("w", "wx", "wxy", "wxyz")]:
        for index, segment_of in enumerate(text.split(".")):
            for change in (segment_of + "=", segment_of + "==", segment_of[:-1] + chr(ord(segment_of[-1]) + 1)):
                parts = text.split(".")
                parts[index] = change
                why_refused(".".join(parts))


def test_a_token_that_is_too_long_is_refused_before_anything_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    long = token(payload=good(name="x" * MAX_TOKEN_CHARS))
    monkeypatch.setattr("core.access_token.base64url_bytes", lambda _: pytest.fail("it was decoded"))
    assert {"parse"} == {why_refused(text) for text in (long, "A" * (MAX_TOKEN_CHARS + 1), "A." * 500_000)}


def test_a_header_that_is_too_long_is_refused() -> None:
    assert "parse" == why_refused(token({**HEADER, "x": "y" * 1024}))


def test_a_token_of_the_longest_form_is_taken() -> None:
    room = MAX_TOKEN_CHARS - len(token(payload=good(name="")))
    text = token(payload=good(name="n" * (room * 3 // 4 - 2)))
    assert MAX_TOKEN_CHARS - 4 < len(text) <= MAX_TOKEN_CHARS
    verifier().verify(text)


# --- JWT-03, JWT-04, JWT-05: the algorithm ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "algorithm",
    [
        "none",
        "None",
        "NONE",
        "nOnE",
        "HS256 ",
        "hs256",
        "Hs256",
        "HS384",
        "HS512",
        "RS256",
        "",
        None,
        0,
        [],
        ["HS256"],
        {},
    ],
)
def test_the_algorithm_is_the_keys_and_nothing_else(algorithm: object) -> None:
    assert "algorithm" == why_refused(token({**HEADER, "alg": algorithm}))


def test_a_token_without_algorithm_is_refused() -> None:
    assert "algorithm" == why_refused(token({"typ": "at+jwt", "kid": "current"}))


@pytest.mark.parametrize("signature", ["", b64(b""), b64(b"\0"), b64(bytes(32)), b64(SECRET)])
def test_an_empty_or_made_up_mac_is_refused(signature: str) -> None:
    assert why_refused(f"{segment(HEADER)}.{segment(good())}.{signature}") in {"parse", "mac"}


@pytest.mark.parametrize("key", [b"", b"\0", b"secret", SECRET[:31], SECRET + b"\1", b64(SECRET).encode()])
def test_a_mac_under_another_key_is_refused(key: bytes) -> None:
    assert "mac" == why_refused(token(key=key))


def test_a_mac_of_another_hash_is_refused() -> None:
    for hashed in ("HS384", "HS512"):
        assert "mac" == why_refused(signed(HEADER, good(), SECRET, hashed))
        assert "algorithm" == why_refused(signed({**HEADER, "alg": hashed}, good(), SECRET, hashed))


PRIVATE: dict[str, Any] = {
    "Ed25519": ed25519.Ed25519PrivateKey.generate(),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "RS256": rsa.generate_private_key(65537, 2048),
}


def public_ring(algorithm: str) -> KeyRing:
    return KeyRing([VerificationKey("current", algorithm, PRIVATE[algorithm].public_key(), "signature")])


@pytest.mark.parametrize("algorithm", PRIVATE)
def test_a_signature_of_each_algorithm_is_verified(algorithm: str) -> None:
    on = verifier(public_ring(algorithm))
    header = {**HEADER, "alg": algorithm}
    assert "root" == on.verify(signed(header, good(), PRIVATE[algorithm], algorithm)).subject.id
    broken = signed(header, good(), PRIVATE[algorithm], algorithm)[:-8] + "AAAAAAAA"
    assert "signature" == why_refused(broken, on)


@pytest.mark.parametrize("algorithm", PRIVATE)
def test_a_published_key_is_no_secret(algorithm: str) -> None:
    """CVE-2016-10555, CVE-2022-29217, CVE-2026-48526: whoever reads the public key could sign with it."""
    public = PRIVATE[algorithm].public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    ssh = public.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    on = verifier(public_ring(algorithm))
    for text in (pem, pem.rstrip(), pem.replace(b"\n", b"\r\n"), der, ssh, b64(der).encode(), b""):
        assert "algorithm" == why_refused(signed(HEADER, good(), text), on)
        assert "signature" == why_refused(signed({**HEADER, "alg": algorithm}, good(), text), on)


def test_a_key_verifies_its_own_algorithm_alone() -> None:
    for algorithm, other in (("RS256", "PS256"), ("RS256", "RS512"), ("ES256", "ES384")):
        text = signed({**HEADER, "alg": other}, good(), PRIVATE[algorithm], other)
        assert "algorithm" == why_refused(text, verifier(public_ring(algorithm)))
        pretended = signed({**HEADER, "alg": algorithm}, good(), PRIVATE[algorithm], other)
        assert "signature" == why_refused(pretended, verifier(public_ring(algorithm)))


# --- JWT-08, JWT-09, JWT-10, JWT-17: the header -----------------------------------------------------------------------


@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc"])
@pytest.mark.parametrize("value", ["http://127.0.0.1:9/keys", [], ["exp"], ["b64"], {}, None, True, False])
def test_a_header_that_brings_keys_or_demands_is_refused(member: str, value: object) -> None:
    assert "header" == why_refused(token({**HEADER, member: value}))


@pytest.mark.parametrize("kind", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"])
def test_the_type_is_a_media_type(kind: str) -> None:
    verifier().verify(token({**HEADER, "typ": kind}))


@pytest.mark.parametrize("kind", ["JWT", "rt+jwt", "logout+jwt", "at+jwt ", "at+jwt;x", "", None, 1, ["at+jwt"], {}])
def test_another_kind_of_token_is_refused(kind: object) -> None:
    assert "type" == why_refused(token({**HEADER, "typ": kind}))


def test_a_token_without_type_is_refused() -> None:
    assert "type" == why_refused(token({"alg": "HS256", "kid": "current"}))


@pytest.mark.parametrize(
    "kid", ["../../dev/null", "' OR 1=1", "|id", "http://a/b", "", "x" * 65, None, 1, {}, [], True]
)
def test_a_kid_that_could_name_no_key_is_refused(kid: object) -> None:
    assert "key" == why_refused(token({**HEADER, "kid": kid}))


def test_an_unknown_kid_says_which_key_to_look_for() -> None:
    with pytest.raises(UnknownKey) as refused:
        verifier().verify(token({**HEADER, "kid": "next"}))
    assert ("next", "key") == (refused.value.kid, refused.value.reason)


def test_there_is_no_default_key() -> None:
    assert "key" == why_refused(token({"alg": "HS256", "typ": "at+jwt"}))


# --- JWT-11, JWT-12, JWT-13, JWT-14: the claims -----------------------------------------------------------------------

WRONG_VALUES: dict[str, list[Any]] = {
    "sub": ["", 1, True, [], ["alice"], {}, "a\0b", "x" * 256],
    "jti": ["", 1, [], "a\0b", "x" * 256],
    "client_id": ["", 1, [], "x" * 256],
    "iat": ["0", "1800000000", True, [], {}, -1, 2**53, 10**30, "٩٩٩"],
    "exp": ["1800000300", "9_999", " 99 ", True, [], {}, -1, 2**53, 10**30, "٩٩٩"],
    "nbf": ["1", True, [], -1],
    "sid": ["", 1, [], "a\0b"],
    "name": [1, [], {}],
    "roles": ["admin", {}, [1], [None], ["admin", 1]],
    "scope": [1, ["orders:read"], {}],
}
REQUIRED = ("iss", "aud", "sub", "client_id", "iat", "exp", "jti")


@pytest.mark.parametrize("name", WRONG_VALUES)
def test_a_claim_of_a_wrong_type_is_refused(name: str) -> None:
    assert {"claims"} == {why_refused(token(payload={**good(), name: value})) for value in WRONG_VALUES[name]}


@pytest.mark.parametrize("name", REQUIRED)
def test_a_required_claim_is_required(name: str) -> None:
    """RFC 9068 §2.2."""
    missing, null = good(**{name: None}), {**good(), name: None}
    for payload in (missing, null):
        assert why_refused(token(payload=payload)) in {"claims", "issuer", "audience"}


@pytest.mark.parametrize("name", ["sid", "name", "roles", "scope", "nbf"])
def test_an_optional_claim_may_be_absent_but_not_null(name: str) -> None:
    verifier().verify(token(payload=good(**{name: None})))
    assert "claims" == why_refused(token(payload={**good(), name: None}))


@pytest.mark.parametrize(
    "issuer", ["", "http://127.0.0.1", ISSUER + "/", ISSUER[:-1], ISSUER.upper(), "https" + ISSUER[4:], [ISSUER], 1, {}]
)
def test_the_issuer_is_compared_as_a_whole(issuer: object) -> None:
    """CVE-2024-53861: PyJWT once took any part of the issuer's name."""
    assert "issuer" == why_refused(token(payload=good(iss=issuer)))


@pytest.mark.parametrize(
    "audience",
    ["", "authlab", "authlab-api2", "authlab-ap.", ".*", "billing-api", [], [""], [["authlab-api"]], 1, {},
     ["authlab-api", "billing-api"], ["authlab-api", "authlab-api"]],
)  # fmt: skip
def test_the_audience_is_ours_and_ours_alone(audience: object) -> None:
    assert "audience" == why_refused(token(payload=good(aud=audience)))


def test_an_audience_list_with_exactly_our_name_is_taken() -> None:
    verifier().verify(token(payload=good(aud=["authlab-api"])))


@pytest.mark.parametrize(
    "raw", ['"exp":NaN', '"exp":Infinity', '"exp":1e999', '"exp":' + "9" * 5000, '"exp":1,"exp":1800000300']
)
def test_a_time_that_is_no_number_of_json_is_refused(raw: str) -> None:
    payload = json.dumps(good(exp=None))[:-1] + f",{raw}}}"
    assert why_refused(token(payload=payload)) in {"parse", "claims"}


def test_a_token_is_over_the_moment_it_expires() -> None:
    clock = Clock()
    on, text = verifier(clock=clock), token(payload=good(exp=NOW + 300.5))
    clock.now = math.nextafter(NOW + 300.5, 0)
    on.verify(text)
    for moment in (NOW + 300.5, NOW + 301, NOW + 10_000):
        clock.now = moment
        assert "time" == why_refused(text, on)


@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_clocks_may_disagree_by_ten_seconds(name: str) -> None:
    """FAPI 2.0 §5.3.2.1: up to 10 s ahead is taken, 60 s is not."""
    verifier().verify(token(payload=good(**{name: NOW + 10})))
    for ahead_s in (10.001, 11, 61, 3600):
        assert "time" == why_refused(token(payload=good(**{name: NOW + ahead_s})))


def test_a_clock_that_steps_back_lets_no_token_live_longer() -> None:
    clock = Clock()
    on, text = verifier(clock=clock), token()
    clock.now = NOW - 3600
    assert "time" == why_refused(text, on)


@pytest.mark.parametrize(("life_s", "taken"), [(24 * 3600, True), (24 * 3600 + 1, False), (0, False), (-1, False)])
def test_a_life_has_a_length(life_s: float, *, taken: bool) -> None:
    text = token(payload=good(iat=NOW - 1, exp=NOW - 1 + life_s))
    if taken:
        verifier().verify(text)
    else:
        assert "time" == why_refused(text)


# --- JWT-15, JWT-16: one meaning --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        '{"alg":"HS256","typ":"at+jwt","kid":"current","kid":"current"}',
        '{"alg":"none","typ":"at+jwt","kid":"current","alg":"HS256"}',
        '\ufeff{"alg":"HS256","typ":"at+jwt","kid":"current"}',
        '["HS256"]',
        '{"alg":"HS256","typ":"at+jwt","kid":"current"}garbage',
    ],
)
def test_a_header_with_two_meanings_is_refused(header: str) -> None:
    assert "parse" == why_refused(token(header))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
def test_json_is_utf_8_and_nothing_else(encoding: str) -> None:
    payload, header = json.dumps(good()).encode(encoding), json.dumps(HEADER).encode(encoding)
    assert {"parse"} == {why_refused(token(payload=payload)), why_refused(token(header))}


def test_a_duplicate_claim_is_refused() -> None:
    for name in ("sub", "exp", "roles"):
        payload = json.dumps(good())[:-1] + f',"{name}":{json.dumps(good()[name])}}}'
        assert "parse" == why_refused(token(payload=payload))


# --- JWT-18, JWT-19, JWT-20: nothing leaks, nothing crashes -----------------------------------------------------------


@pytest.mark.parametrize("payload", ["", "not JSON", '{"sub":1}', '{"exp":0}', "[" * 1000])
def test_no_claim_is_looked_at_before_the_signature_holds(monkeypatch: pytest.MonkeyPatch, payload: str) -> None:
    monkeypatch.setattr(TokenVerifier, "proved", lambda *_: pytest.fail("a claim was looked at"))
    assert why_refused(f"{segment(HEADER)}.{b64(payload) or 'AA'}.{b64(bytes(32))}") == "mac"


def test_every_flipped_bit_of_a_token_is_noticed() -> None:
    on, text = verifier(), token(payload=good(sub="alice"))
    on.verify(text)
    for position, character in enumerate(text):
        for bit in range(7):
            why_refused(text[:position] + chr(ord(character) ^ 1 << bit) + text[position + 1 :], on)


def test_no_mutation_of_a_token_is_taken_and_none_raises_anything_else() -> None:
    on, text, draw = verifier(), token(), random.Random(7)
    alphabet = string.ascii_letters + string.digits + '-_.=+/{}" \n\0é\udcff'
    for _ in range(20_000):
        changed = list(text)
        for _ in range(draw.randint(1, 4)):
            place = draw.randrange(len(changed))
            match draw.randrange(3):
                case 0:
                    changed[place] = draw.choice(alphabet)
                case 1:
                    del changed[place]
                case _:
                    changed.insert(place, draw.choice(alphabet))
        if (mutation := "".join(changed)) != text:
            why_refused(mutation, on)


@given(st.text(max_size=200))
def test_any_text_is_refused_and_nothing_else_is_raised(text: str) -> None:
    why_refused(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from([*good(), "nbf"]), JSON, min_size=1))
def test_signed_claims_of_any_shape_are_proved_or_refused(changes: dict[str, Any]) -> None:
    try:
        proved = verifier().verify(token(payload={**good(), **changes}))
    except Rejected:
        return
    assert isinstance(proved, VerifiedToken)
    assert NOW < proved.expires_at
    assert {"authlab-api"} == {proved.audience}


@given(st.dictionaries(st.sampled_from([*HEADER, "crit", "jwk", "x"]), JSON, min_size=1))
def test_a_signed_header_of_any_shape_is_taken_or_refused(changes: dict[str, Any]) -> None:
    header = {**HEADER, **changes}
    try:
        verifier().verify(token(header))
    except Rejected:
        return
    assert ("HS256", "current", "at+jwt") == (header["alg"], header["kid"], str(header["typ"]).lower()[-6:])


def test_a_header_seen_before_means_nothing_once_its_key_is_gone() -> None:
    rings = [KeyRing([KEY])]
    on = TokenVerifier(issuer=ISSUER, audiences=frozenset({"authlab-api"}), ring=lambda: rings[-1], clock=Clock())
    text = token()
    on.verify(text)
    rings.append(KeyRing([secret_key(os.urandom(32), "next")]))
    assert "key" == why_refused(text, on)
    rings.append(KeyRing([secret_key(os.urandom(32), "current")]))
    assert "mac" == why_refused(text, on)


def test_made_up_headers_do_not_fill_the_memory() -> None:
    on = verifier()
    for number in range(300):
        why_refused(token({**HEADER, "kid": f"unknown-{number}"}), on)
        on.verify(token({**HEADER, "n": number}))
    assert len(on._headers) <= 64
