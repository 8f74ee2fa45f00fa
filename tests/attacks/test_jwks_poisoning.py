"""A key set with a key in it that must not be trusted, or that is none (KEY-02).

PyJWT takes sets with two keys of one name, keys that are not for signatures, private ones, and ones of any size.
"""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from hypothesis import given
from hypothesis import strategies as st

from core.keys import UnfitKey, public_ring
from tests.attacks.forge import b64
from tests.attacks.key_sets import EVIL, GOOD, HONEST, as_set, jwk

SMALL_RSA = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - it shall be refused
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
RSA_3 = rsa.generate_private_key(public_exponent=3, key_size=2048)
P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())

POISONS: dict[str, list[Any]] = {
    "two keys of one kid": [HONEST, jwk(EVIL, "good")],
    "one key twice": [HONEST, HONEST],
    "a symmetric key": [HONEST, {"kty": "oct", "kid": "evil", "alg": "HS256", "k": b64(bytes(range(32)))}],
    "a symmetric key in disguise": [HONEST, jwk(EVIL, "evil", k=b64(bytes(32)))],
    "a private key": [HONEST, jwk(EVIL, "evil", d=b64(bytes(32)))],
    "a private RSA factor": [HONEST, jwk(RSA, "evil", p="AQAB")],
    "a key for encryption": [HONEST, jwk(EVIL, "evil", use="enc")],
    "a use that is no text": [HONEST, jwk(EVIL, "evil", use=["sig"])],
    "a key that may only sign": [HONEST, jwk(EVIL, "evil", key_ops=["sign"])],
    "operations that are no list": [HONEST, jwk(EVIL, "evil", key_ops="verify")],
    "operations that are a number": [HONEST, jwk(EVIL, "evil", key_ops=1)],
    "HS256": [HONEST, jwk(RSA, "evil", alg="HS256")],
    "none": [HONEST, jwk(EVIL, "evil", alg="none")],
    "no alg": [HONEST, jwk(EVIL, "evil", alg=None)],
    "an alg that is a list": [HONEST, jwk(EVIL, "evil", alg=["Ed25519"])],
    "the old name EdDSA": [HONEST, jwk(EVIL, "evil", alg="EdDSA")],
    "ES256 over P-384": [HONEST, jwk(P384, "evil", alg="ES256")],
    "ES256 over RSA": [HONEST, jwk(RSA, "evil", alg="ES256")],
    "RS256 over P-256": [HONEST, jwk(P256, "evil", alg="RS256")],
    "Ed25519 over Ed448": [HONEST, jwk(ed448.Ed448PrivateKey.generate(), "evil")],
    "another curve's name": [HONEST, jwk(P256, "evil", crv="secp256k1")],
    "a point off the curve": [HONEST, jwk(P256, "evil", y=b64(bytes(31) + b"\x05"))],
    "the point at infinity": [HONEST, jwk(P256, "evil", x=b64(bytes(32)), y=b64(bytes(32)))],
    "a short Ed25519 key": [HONEST, jwk(EVIL, "evil", x=b64(bytes(31)))],
    "RSA of 1024 bits": [HONEST, jwk(SMALL_RSA, "evil")],
    "RSA with e = 3": [HONEST, jwk(RSA_3, "evil")],
    "RSA with e = 1": [HONEST, jwk(RSA, "evil", e="AQ")],
    "RSA with an even e": [HONEST, jwk(RSA, "evil", e="AQAA")],
    "RSA with n = 0": [HONEST, jwk(RSA, "evil", n="AA")],
    "no kid": [HONEST, jwk(EVIL, None)],
    "an empty kid": [HONEST, jwk(EVIL, "")],
    "a kid that is a path": [HONEST, jwk(EVIL, "../evil")],
    "a kid that is a number": [HONEST, jwk(EVIL, 7)],
    "a long kid": [HONEST, jwk(EVIL, "k" * 65)],
    "a text": [HONEST, "evil"],
    "null": [HONEST, None],
    "a list": [HONEST, [jwk(EVIL, "evil")]],
    "nothing": [],
}


NO_SETS: dict[str, bytes] = {
    "nothing": b"",
    "HTML": b"<!doctype html><title>Sign in to the hotel's network</title>",
    "null": b"null",
    "a list": json.dumps([jwk(EVIL, "evil")]).encode(),
    "one bare key": json.dumps(jwk(EVIL, "evil")).encode(),
    "keys that are an object": json.dumps({"keys": {"evil": jwk(EVIL, "evil")}}).encode(),
    "keys twice": b'{"keys":[],"keys":%b}' % json.dumps([jwk(EVIL, "evil")]).encode(),
    "a name twice in a key": as_set([HONEST])[:-3] + b',"kid":"evil"}]}',
    "UTF-16": as_set([jwk(EVIL, "evil")]).decode().encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + as_set([jwk(EVIL, "evil")]),
    "NaN": as_set([jwk(EVIL, "evil")])[:-1] + b',"x":NaN}',
    "nested": b'{"keys":' + b"[" * 30_000,
}


@pytest.mark.parametrize("name", POISONS)
def test_one_unfit_key_condemns_the_set(name: str) -> None:
    with pytest.raises(UnfitKey):
        public_ring(as_set(POISONS[name]))


@pytest.mark.parametrize("name", NO_SETS)
def test_what_is_no_key_set_is_refused(name: str) -> None:
    with pytest.raises(UnfitKey):
        public_ring(NO_SETS[name])


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(sorted(map(str, HONEST.values()))),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(st.sampled_from([GOOD, P256, RSA]), st.dictionaries(st.sampled_from([*HONEST, "n", "e", "y", "key_ops"]), JSON))
def test_no_key_whatever_its_members_does_worse_than_being_refused(key: Any, changes: dict[str, Any]) -> None:
    """An exception of another kind would end the task that follows the keys, and nothing would rotate again."""
    try:
        ring = public_ring(json.dumps({"keys": [{**jwk(key, "k"), **changes}]}).encode())
    except UnfitKey:
        return
    assert 1 == len(ring)
