import contextlib
import hashlib
import hmac
import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from core.keys import (
    KeyRing,
    UnfitKey,
    audience_secret,
    is_kid,
    public_ring,
    secret_jwk,
    secret_key,
    secret_ring,
    secret_thumbprint,
    strong_secret,
    thumbprint,
)
from core.strict_json import base64url_text

Jwk = dict[str, Any]


@pytest.fixture(scope="module")
def jwks() -> dict[str, Jwk]:
    """One good public JWK of each algorithm."""
    return {
        "Ed25519": jwk_of(OKPAlgorithm, ed25519.Ed25519PrivateKey.generate().public_key(), "Ed25519"),
        "ES256": jwk_of(ECAlgorithm, ec.generate_private_key(ec.SECP256R1()).public_key(), "ES256"),
        "RS256": jwk_of(RSAAlgorithm, rsa.generate_private_key(65537, 2048).public_key(), "RS256"),
    }


def jwk_of(algorithm: Any, key: Any, name: str, **more: Any) -> Jwk:
    return {**json.loads(algorithm.to_jwk(key)), "alg": name, "use": "sig", "kid": f"kid-{name}", **more}


def ring_of(*members: Any) -> KeyRing:
    return public_ring(json.dumps({"keys": members}).encode())


def test_a_set_of_good_keys_is_taken(jwks: dict[str, Jwk]) -> None:
    ring = ring_of(*jwks.values())
    assert [("kid-Ed25519", "Ed25519"), ("kid-ES256", "ES256"), ("kid-RS256", "RS256")] == [
        (key.kid, key.algorithm) for key in ring
    ]


FAULTS: dict[str, Callable[[dict[str, Jwk]], list[Any]]] = {
    "the same kid twice": lambda good: [good["ES256"], {**good["RS256"], "kid": "kid-ES256"}],
    "a symmetric key among public ones": lambda good: [good["ES256"], secret_jwk(os.urandom(32))],
    "a private key": lambda good: [{**good["ES256"], "d": base64url_text(os.urandom(32))}],
    "a private key of RSA": lambda good: [{**good["RS256"], "p": "AQAB"}],
    "more primes": lambda good: [{**good["RS256"], "oth": []}],
    "a key for encryption": lambda good: [{**good["RS256"], "use": "enc"}],
    "use is null": lambda good: [{**good["RS256"], "use": None}],
    "key_ops without verify": lambda good: [{**good["RS256"], "key_ops": ["sign"]}],
    "key_ops is no list": lambda good: [{**good["RS256"], "key_ops": 1}],
    "no alg": lambda good: [{name: value for name, value in good["ES256"].items() if name != "alg"}],
    "alg none": lambda good: [{**good["ES256"], "alg": "none"}],
    "alg HS256 for a public key": lambda good: [{**good["RS256"], "alg": "HS256"}],
    "another alg of the same kind": lambda good: [{**good["RS256"], "alg": "PS256"}],
    "alg of another kind": lambda good: [{**good["RS256"], "alg": "ES256"}],
    "alg is a list": lambda good: [{**good["RS256"], "alg": ["RS256"]}],
    "another curve's name": lambda good: [{**good["ES256"], "crv": "P-384"}],
    "a point off the curve": lambda good: [{**good["ES256"], "y": good["ES256"]["x"]}],
    "a coordinate that is too short": lambda good: [{**good["ES256"], "x": "AAAA"}],
    "a coordinate that is missing": lambda good: [{**good["ES256"], "y": None}],
    "a coordinate that is a number": lambda good: [{**good["ES256"], "y": 7}],
    "base64 that is none": lambda good: [{**good["Ed25519"], "x": "!!!"}],
    "Ed25519 with 31 bytes": lambda good: [{**good["Ed25519"], "x": base64url_text(os.urandom(31))}],
    "the old name EdDSA": lambda good: [{**good["Ed25519"], "alg": "EdDSA"}],
    "an unknown kty": lambda good: [{**good["ES256"], "kty": "AKP"}],
    "no kid": lambda good: [{**good["ES256"], "kid": None}],
    "an empty kid": lambda good: [{**good["ES256"], "kid": ""}],
    "a path as kid": lambda good: [{**good["ES256"], "kid": "../../dev/null"}],
    "a number as kid": lambda good: [{**good["ES256"], "kid": 1}],
    "a member that is no object": lambda good: [good["ES256"], "kid-ES256"],
    "no keys at all": lambda _good: [],
}


@pytest.mark.parametrize("fault", FAULTS)
def test_one_unfit_key_condemns_the_whole_set(jwks: dict[str, Jwk], fault: str) -> None:
    with pytest.raises(UnfitKey):
        ring_of(*FAULTS[fault](jwks))


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b'{"keys":{}}', b'{"keys":null}', b"<html>", b'{"keys":[],"keys":[]}']
)
def test_what_is_no_set_is_refused(text: bytes) -> None:
    with pytest.raises(UnfitKey):
        public_ring(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.sampled_from(["Ed25519", "ES256", "RS256"]),
    st.dictionaries(
        st.sampled_from(["kty", "crv", "x", "y", "n", "e", "alg", "use", "key_ops", "kid"]), JSON, min_size=1
    ),
)
def test_a_set_is_taken_or_unfit_whatever_its_members_hold(name: str, changes: Jwk) -> None:
    good: dict[str, Jwk] = {
        "Ed25519": {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        "ES256": {
            "kty": "EC",
            "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        },
        "RS256": {"kty": "RSA", "n": "4" * 343, "e": "AQAB"},
    }
    with contextlib.suppress(UnfitKey):
        ring_of({**good[name], "alg": name, "kid": "k", **changes})


@pytest.mark.parametrize(("bits", "exponent"), [(1024, 65537), (2048, 3)])
def test_an_rsa_key_that_is_too_weak_is_refused(bits: int, exponent: int) -> None:
    numbers = rsa.generate_private_key(65537, bits).public_key().public_numbers()
    weak = {
        "kty": "RSA",
        "n": base64url_text(numbers.n.to_bytes((bits + 7) // 8, "big")),
        "e": base64url_text(exponent.to_bytes(3, "big").lstrip(b"\0")),
        "alg": "RS256",
        "kid": "weak",
    }
    with pytest.raises(UnfitKey):
        ring_of(weak)


@pytest.mark.parametrize("exponent", [0, 1, 2, 65536])
def test_an_rsa_exponent_that_signs_nothing_is_refused(jwks: dict[str, Jwk], exponent: int) -> None:
    encoded = base64url_text(exponent.to_bytes(3, "big"))
    with pytest.raises(UnfitKey):
        ring_of({**jwks["RS256"], "e": encoded})


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP521R1(), ec.SECP256K1()], ids=lambda curve: curve.name)
def test_es256_means_p256_and_no_other_curve(curve: ec.EllipticCurve) -> None:
    key = ec.generate_private_key(curve).public_key()
    with pytest.raises(UnfitKey):
        ring_of(jwk_of(ECAlgorithm, key, "ES256"))


@pytest.mark.parametrize("name", ["Ed25519", "EdDSA"])
def test_ed448_is_refused_under_any_name(name: str) -> None:
    """PyJWT takes Ed448 where `EdDSA` is allowed."""
    with pytest.raises(UnfitKey):
        ring_of(jwk_of(OKPAlgorithm, ed448.Ed448PrivateKey.generate().public_key(), name))


@pytest.mark.parametrize("kid", ["a", "A.b_c-9", "x" * 64])
def test_harmless_words_name_keys(kid: str) -> None:
    assert is_kid(kid)


@pytest.mark.parametrize(
    "kid",
    [
        "",
        "x" * 65,
        "a/b",
        "../../dev/null",
        "' OR 1=1",
        "|id",
        "http://a",
        "ключ",
        "a\n",
        "a b",
        "a\0",
        None,
        1,
        {},
        [],
        True,
    ],
)
def test_nothing_else_names_a_key(kid: object) -> None:
    assert not is_kid(kid)


WEAK = {
    "empty": "",
    "31 random bytes": base64url_text(bytes.fromhex("8f3a91c05dd27b46e8130f9a64c2b7d55e01aa3c9b8de4f7126d0b93c85fe1")),
    "a word, six times": "secret" * 6,
    "a short word": "secret",
    "a phrase of 43 letters": "correcthorsebatterystaplecorrecthorsebatter",
    "text in base64url": base64url_text(b"correct horse battery staple, and some more"),
    "zeros": base64url_text(bytes(32)),
    "counting": base64url_text(bytes(range(32))),
    "counting down": base64url_text(bytes(range(255, 223, -1))),
    "one half twice": base64url_text(bytes.fromhex("8f3a91c05dd27b46e8130f9a64c2b7d5") * 2),
    "few different bytes": base64url_text(bytes([1, 9, 4, 7, 200, 31, 8] * 5)[:32][::-1]),
    "PEM": "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----",
    "standard base64": "+/" * 22,
    "hex": "8f3a91c05dd27b46e8130f9a64c2b7d58f3a91c05dd27b46e8130f9a64c2b7d6",
    "a famous example": "your-256-bit-secret",
    "JSON": '{"k":"secret"}',
}


@pytest.mark.parametrize("name", WEAK)
def test_a_secret_that_can_be_guessed_is_refused(name: str) -> None:
    with pytest.raises(UnfitKey):
        strong_secret(WEAK[name])


@pytest.mark.parametrize("name", WEAK)
def test_a_weak_secret_is_refused_inside_a_set_too(name: str) -> None:
    jwk = {"kty": "oct", "alg": "HS256", "kid": "k", "k": WEAK[name]}
    with pytest.raises(UnfitKey):
        secret_ring(json.dumps({"keys": [jwk]}))


def test_random_secrets_are_taken() -> None:
    for _ in range(500):
        secret = os.urandom(32)
        assert secret == strong_secret(base64url_text(secret))
        assert secret == strong_secret(base64url_text(secret) + "=\n"), "padding and a newline are habits of tools"


def test_why_a_secret_was_refused_does_not_repeat_it() -> None:
    for text in filter(None, WEAK.values()):
        with pytest.raises(UnfitKey) as refused:
            strong_secret(text)
        assert text not in str(refused.value)


def test_a_bare_secret_is_named_by_its_thumbprint() -> None:
    """RFC 7638 §3: SHA-256 over the required members, in order, without white space."""
    secret = os.urandom(32)
    encoded = base64url_text(secret)
    expected = base64url_text(hashlib.sha256(f'{{"k":"{encoded}","kty":"oct"}}'.encode()).digest())
    assert expected == secret_thumbprint(secret)
    (key,) = secret_ring(encoded)
    assert (expected, "HS256") == (key.kid, key.algorithm)
    assert key.verifies(b"signed", hmac.digest(secret, b"signed", "sha256"))


def test_the_thumbprint_of_rfc_8037_is_ours() -> None:
    """RFC 8037 A.3."""
    members = {"crv": "Ed25519", "kty": "OKP", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" == thumbprint(members)


def test_a_set_of_secrets_holds_the_current_and_the_previous_one() -> None:
    secrets = [os.urandom(32), os.urandom(32)]
    ring = secret_ring(json.dumps({"keys": [secret_jwk(secret) for secret in secrets]}))
    assert [True, True] == [
        key.verifies(b"signed", hmac.digest(secret, b"signed", "sha256"))
        for key, secret in zip(ring, secrets, strict=True)
    ]


@pytest.mark.parametrize(
    "change", [{"kty": "RSA"}, {"alg": "HS512"}, {"alg": None}, {"k": 1}, {"kid": None}, {"kid": "a b"}]
)
def test_a_set_of_secrets_with_one_unfit_member_is_refused(change: Jwk) -> None:
    members = [secret_jwk(os.urandom(32)), {**secret_jwk(os.urandom(32)), **change}]
    with pytest.raises(UnfitKey):
        secret_ring(json.dumps({"keys": members}))


def test_each_audience_has_a_secret_of_its_own() -> None:
    """HKDF-SHA256 from the master, empty salt, info `authlab/hs256/v1/` + audience, 32 bytes."""
    master = os.urandom(32)
    expected = HKDF(SHA256(), 32, None, b"authlab/hs256/v1/authlab-api").derive(master)
    assert expected == audience_secret(master, "authlab-api")
    assert expected != audience_secret(master, "billing-api")
    assert expected != audience_secret(os.urandom(32), "authlab-api")


def test_a_key_that_stays_in_a_new_ring_stays_the_same_object() -> None:
    """A remembered token is good as long as `ring.get(kid) is key`, so a rotation must not forget every token."""
    secrets = [os.urandom(32), os.urandom(32)]
    before = KeyRing([secret_key(secrets[0])])
    after = KeyRing([secret_key(secrets[0]), secret_key(secrets[1])], previous=before)
    (old,) = before
    assert after.get(old.kid) is old


def test_a_new_key_under_an_old_name_is_a_new_object() -> None:
    before = KeyRing([secret_key(os.urandom(32), "same")])
    after = KeyRing([secret_key(os.urandom(32), "same")], previous=before)
    assert after.get("same") is not before.get("same")
