"""A token that brings the key to verify it with (CVE-2018-0114; lab 4; `jwt_tool -X i`), as `jwk` or as `x5c`."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from tests.attacks.forge import b64, claims, signed
from tests.attacks.insider import Insider
from tests.attacks.system import Resource, System
from tests.attacks.verdicts import assert_refused

OWN_SECRET = bytes(range(32))


def own_keys() -> dict[str, tuple[Any, dict[str, Any]]]:
    """Return a key of the attacker's own for each algorithm, with its JWK."""
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    ec_key, ed_key = ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()
    return {
        "RS256": (rsa_key, RSAAlgorithm.to_jwk(rsa_key.public_key(), as_dict=True)),
        "ES256": (ec_key, ECAlgorithm.to_jwk(ec_key.public_key(), as_dict=True)),
        "Ed25519": (ed_key, OKPAlgorithm.to_jwk(ed_key.public_key(), as_dict=True)),
        "HS256": (OWN_SECRET, {"kty": "oct", "k": b64(OWN_SECRET), "alg": "HS256"}),
    }


def self_signed(key: rsa.RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "attacker")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return base64.b64encode(builder.sign(key, SHA256()).public_bytes(Encoding.DER)).decode()


def forgeries(issuer: str, kid: str) -> dict[str, str]:
    tokens = {}
    keys = own_keys()
    for algorithm, (key, jwk) in keys.items():
        for name, own_kid in (("its own kid", "attacker"), ("the server's kid", kid)):
            header = {"alg": algorithm, "typ": "at+jwt", "kid": own_kid, "jwk": {**jwk, "kid": own_kid, "use": "sig"}}
            tokens[f"{algorithm}, {name}"] = signed(header, claims(issuer), key, algorithm)
    certificate = self_signed(keys["RS256"][0])
    header = {"alg": "RS256", "typ": "at+jwt", "kid": kid, "x5c": [certificate]}
    tokens["x5c"] = signed(header, claims(issuer), keys["RS256"][0], "RS256")
    return tokens


def test_a_key_that_comes_with_the_token_is_refused(resources: list[Resource], insider: Insider) -> None:
    assert_refused(resources, forgeries(insider.issuer, insider.kid))


@pytest.mark.parametrize("algorithm", ["Ed25519", "ES256", "RS256"])
def test_a_server_with_public_keys_refuses_it_too(system: System, algorithm: str) -> None:
    kid = system.public_jwk(algorithm)["kid"]
    assert_refused(system.resources(algorithm), forgeries(system.auth(algorithm).url, kid))


@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc"])
def test_such_a_header_is_refused_even_over_the_real_signature(
    resources: list[Resource], insider: Insider, member: str
) -> None:
    """A server that ignored it would be one library update away from following it."""
    values: list[Any] = ["x", [], {}, True, [""]]
    for value in values:
        assert_refused(resources, {repr(value): insider.sign(insider.header(**{member: value}))})
