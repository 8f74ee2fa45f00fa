"""A token signed with HMAC, the public key as its secret (CVE-2016-10555, CVE-2022-29217, CVE-2026-48526; labs 7, 8).

The public key is known to everybody, in every encoding that a library might take for a secret.
"""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from tests.attacks.forge import b64, claims, parts, signed, unb64
from tests.attacks.p256 import recovered_keys
from tests.attacks.system import System
from tests.attacks.verdicts import assert_refused
from tests.attacks.wire import call

ASYMMETRIC = ("Ed25519", "ES256", "RS256")
Public = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


def public_key(jwk: dict[str, str]) -> Public:
    algorithms: dict[str, Any] = {"RSA": RSAAlgorithm, "EC": ECAlgorithm, "OKP": OKPAlgorithm}
    key: Public = algorithms[jwk["kty"]].from_jwk(jwk)
    return key


def certificate_of(key: Public) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "auth server")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key)
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return builder.sign(ec.generate_private_key(ec.SECP256R1()), SHA256())


def binary_encodings(key: Public) -> Iterator[tuple[str, bytes]]:
    yield "SPKI DER", key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    yield "certificate DER", certificate_of(key).public_bytes(Encoding.DER)
    if isinstance(key, rsa.RSAPublicKey):
        yield "PKCS1 DER", key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
        modulus = key.public_numbers().n
        yield "modulus", modulus.to_bytes(384, "big")
        yield "modulus, signed", modulus.to_bytes(385, "big")
        yield "modulus in hex", f"{modulus:x}".encode()
        yield "modulus in decimal", str(modulus).encode()
    elif isinstance(key, ec.EllipticCurvePublicKey):
        yield "point", key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        yield "compressed point", key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        yield "x", key.public_numbers().x.to_bytes(32, "big")
    else:
        yield "raw", key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def text_encodings(key: Public) -> Iterator[tuple[str, bytes]]:
    yield "SPKI PEM", key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    yield "SSH", key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    yield "SSH with a comment", key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) + b" auth@server"
    yield "certificate PEM", certificate_of(key).public_bytes(Encoding.PEM)
    if isinstance(key, rsa.RSAPublicKey):
        yield "PKCS1 PEM", key.public_bytes(Encoding.PEM, PublicFormat.PKCS1)


def json_encodings(jwk: dict[str, str], published: bytes) -> Iterator[tuple[str, bytes]]:
    yield "JWK Set as served", published
    yield "JWK Set", json.dumps({"keys": [jwk]}).encode()
    yield "JWK", json.dumps(jwk).encode()
    yield "JWK, compact", json.dumps(jwk, separators=(",", ":")).encode()
    yield "JWK, sorted", json.dumps(jwk, separators=(",", ":"), sort_keys=True).encode()
    yield "kid", jwk["kid"].encode()
    for member in ("n", "x", "y"):
        if member in jwk:
            yield f"{member} as text", jwk[member].encode()
            yield f"{member} as bytes", unb64(jwk[member])


def encodings(jwk: dict[str, str], published: bytes) -> dict[str, bytes]:
    """Return the public key in every form that somebody may have fed to an HMAC."""
    key = public_key(jwk)
    found: dict[str, bytes] = {}
    for name, data in binary_encodings(key):
        found |= {name: data, f"{name} in base64": base64.b64encode(data), f"{name} in base64url": b64(data).encode()}
    for name, text in text_encodings(key):
        bare = text.rstrip(b"\n")
        found |= {name: text, f"{name}, bare": bare, f"{name}, newline": bare + b"\n"}
        found |= {f"{name}, CRLF": text.replace(b"\n", b"\r\n"), f"{name}, one line": bare.replace(b"\n", b"")}
        found |= {f"{name}, escaped": text.replace(b"\n", b"\\n")}
    return found | dict(json_encodings(jwk, published))


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_no_encoding_of_the_public_key_is_a_secret(system: System, algorithm: str) -> None:
    jwk = system.public_jwk(algorithm)
    published = call(system.auth(algorithm).port, "GET", "/.well-known/jwks.json").body
    issuer = system.auth(algorithm).url
    tokens = {
        f"{name}, {mac}": signed({"alg": mac, "typ": "at+jwt", "kid": jwk["kid"]}, claims(issuer), key, mac)
        for (name, key), mac in product(encodings(jwk, published).items(), ("HS256", "HS512"))
    }
    assert_refused(system.resources(algorithm), tokens)


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_a_header_that_keeps_the_right_alg_over_an_hmac_is_refused(system: System, algorithm: str) -> None:
    """The key decides what its signatures are, whatever the header says and whatever was made."""
    jwk = system.public_jwk(algorithm)
    header = {"alg": algorithm, "typ": "at+jwt", "kid": jwk["kid"]}
    issuer = system.auth(algorithm).url
    tokens = {name: signed(header, claims(issuer), key) for name, key in encodings(jwk, b"").items()}
    assert_refused(system.resources(algorithm), tokens)


def test_a_key_that_is_not_published_is_found_from_one_signature_and_is_no_secret_either(system: System) -> None:
    """Lab 8. «We do not publish the key» is no defence: an ECDSA signature gives its own public key away."""
    token = system.log_in("root", "ES256")["access_token"]
    header, _, signature = parts(token)
    candidates = recovered_keys(token.rpartition(".")[0].encode(), signature)
    jwk = system.public_jwk("ES256")
    assert (jwk["x"], jwk["y"]) in [(b64(x.to_bytes(32, "big")), b64(y.to_bytes(32, "big"))) for x, y in candidates]
    tokens = {}
    for x, y in candidates:
        found = {"kty": "EC", "crv": "P-256", "x": b64(x.to_bytes(32, "big")), "y": b64(y.to_bytes(32, "big"))}
        for name, key in encodings({**found, "kid": header["kid"]}, b"").items():
            forged = signed({**header, "alg": "HS256"}, claims(system.auth("ES256").url), key)
            tokens[f"{name} of {found['x'][:4]}"] = forged
    assert_refused(system.resources("ES256"), tokens)
