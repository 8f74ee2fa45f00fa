"""A token that names another algorithm than its key has (JWT-03, JWT-04, JWT-22; GHSA-jq35-7prp-9v3f)."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.attacks.forge import claims, signed
from tests.attacks.insider import Insider
from tests.attacks.system import Resource, System
from tests.attacks.verdicts import assert_accepted, assert_refused

NAMES: tuple[Any, ...] = (
    "hs256", "Hs256", "HS256 ", " HS256", "HS256\0", "HS 256", "HS", "H", "HS384", "HS512", "HS256,none", "RS256",
    "ES256", "Ed25519", "EdDSA", "PS256", "ES256K", "ZS256", "dir", "A256KW", "", None, 0, 1, True, [], ["HS256"],
    {}, {"HS256": 1},
)  # fmt: skip


def private_key(system: System, algorithm: str) -> Any:
    """Return an auth server's own private key, as if it had leaked: the signature is not what shall refuse."""
    (path,) = Path(system.directory / f"auth-{algorithm}" / "keys").glob("*.key.json")
    return load_pem_private_key(json.loads(path.read_text())["material"].encode(), None)


def test_another_name_over_the_right_mac_is_refused(resources: list[Resource], insider: Insider) -> None:
    tokens = {repr(name): insider.sign({**insider.header(), "alg": name}) for name in NAMES}
    header = {name: value for name, value in insider.header().items() if name != "alg"}
    assert_refused(resources, {**tokens, "absent": insider.sign(header)})


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_the_same_secret_makes_no_other_mac(resources: list[Resource], insider: Insider, algorithm: str) -> None:
    tokens = {
        "named": insider.sign(insider.header(alg=algorithm), None, algorithm),
        "disguised": insider.sign(None, None, algorithm),
    }
    assert_refused(resources, tokens)


@pytest.mark.parametrize(
    ("own", "other"),
    [("RS256", "PS256"), ("RS256", "RS384"), ("RS256", "RS512"), ("ES256", "ES384"), ("ES256", "ES512")],
)
def test_the_same_private_key_makes_no_other_signature(system: System, own: str, other: str) -> None:
    key, kid, issuer = private_key(system, own), system.public_jwk(own)["kid"], system.auth(own).url
    header = {"alg": other, "typ": "at+jwt", "kid": kid}
    tokens = {
        "named": signed(header, claims(issuer), key, other),
        "disguised": signed({**header, "alg": own}, claims(issuer), key, other),
        "renamed": signed(header, claims(issuer), key, own),
    }
    assert_refused(system.resources(own), tokens)


@pytest.mark.parametrize("name", ["EdDSA", "ed25519", "ED25519", "Ed448", "Ed25519ph"])
def test_ed25519_has_one_name(system: System, name: str) -> None:
    """RFC 9864: the old name EdDSA says neither which curve nor which variant."""
    key, kid = private_key(system, "Ed25519"), system.public_jwk("Ed25519")["kid"]
    header = {"alg": name, "typ": "at+jwt", "kid": kid}
    assert_refused(
        system.resources("Ed25519"), {name: signed(header, claims(system.auth("Ed25519").url), key, "Ed25519")}
    )


@pytest.mark.parametrize("algorithm", ["Ed25519", "ES256", "RS256"])
def test_the_leaked_key_does_sign_for_its_own_algorithm(system: System, algorithm: str) -> None:
    """Or the refusals above would prove nothing."""
    key, kid = private_key(system, algorithm), system.public_jwk(algorithm)["kid"]
    header = {"alg": algorithm, "typ": "at+jwt", "kid": kid}
    assert_accepted(system.resources(algorithm), signed(header, claims(system.auth(algorithm).url), key, algorithm))
