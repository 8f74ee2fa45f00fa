"""A token whose signature is nothing, or only zeros.

CVE-2020-28042 (`jwt_tool -X n`), and CVE-2022-21449, the psychic signatures of Java.
"""

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.attacks.forge import b64, unb64
from tests.attacks.insider import Insider
from tests.attacks.system import Resource, System
from tests.attacks.verdicts import assert_refused

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493


def pair(r: int, s: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


BLANK = {
    "nothing": b"",
    "one zero": b"\0",
    "zeros of an HMAC": bytes(32),
    "zeros of a pair": bytes(64),
    "zeros of RSA 3072": bytes(384),
}
PSYCHIC = {
    "(0, 0)": pair(0, 0),
    "(0, 1)": pair(0, 1),
    "(1, 0)": pair(1, 0),
    "(n, n)": pair(P256_ORDER, P256_ORDER),
    "(n, 0)": pair(P256_ORDER, 0),
    "(n+1, n+1)": pair(P256_ORDER + 1, P256_ORDER + 1),
    "(0, 0) in DER": encode_dss_signature(0, 0),
    "(1, 1) in DER": encode_dss_signature(1, 1),
    "a small-order point and 0": bytes([1]) + bytes(63),
}


def body_of(token: str) -> str:
    return token.rpartition(".")[0]


def test_a_null_signature_is_refused(resources: list[Resource], insider: Insider) -> None:
    tokens = {name: f"{body_of(insider.sign())}.{b64(signature)}" for name, signature in BLANK.items()}
    assert_refused(resources, tokens)


@pytest.mark.parametrize("algorithm", ["Ed25519", "ES256", "RS256"])
def test_a_psychic_signature_is_refused(system: System, algorithm: str) -> None:
    body = body_of(system.log_in("root", algorithm)["access_token"])
    tokens = {name: f"{body}.{b64(signature)}" for name, signature in (BLANK | PSYCHIC).items()}
    assert_refused(system.resources(algorithm), tokens)


def test_an_ed25519_signature_with_a_shifted_scalar_is_refused(system: System) -> None:
    """(R, S + L) satisfies the equation; RFC 8032 §5.1.7 demands S < L, so that a signature has one form."""
    token = system.log_in("root", "Ed25519")["access_token"]
    body, _, text = token.rpartition(".")
    r, s = unb64(text)[:32], int.from_bytes(unb64(text)[32:], "little")
    shifted = r + (s + ED25519_ORDER).to_bytes(32, "little")
    assert_refused(system.resources("Ed25519"), {"S + L": f"{body}.{b64(shifted)}"})


def test_an_rsa_signature_of_another_length_is_refused(system: System) -> None:
    """The value s + n verifies under a careless implementation; RFC 8017 §8.2.2 demands exactly the modulus' length."""
    token = system.log_in("root", "RS256")["access_token"]
    body, _, text = token.rpartition(".")
    signature = unb64(text)
    modulus = int.from_bytes(unb64(system.public_jwk("RS256")["n"]), "big")
    longer = (int.from_bytes(signature, "big") + modulus).to_bytes(len(signature) + 1, "big")
    tokens = {"s + n": longer, "a zero in front": b"\0" + signature, "one byte short": signature[1:]}
    assert_refused(system.resources("RS256"), {name: f"{body}.{b64(value)}" for name, value in tokens.items()})
