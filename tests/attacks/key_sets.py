"""Keys of an honest auth server and of others, and how a key set writes them."""

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

GOOD = ed25519.Ed25519PrivateKey.generate()
EVIL = ed25519.Ed25519PrivateKey.generate()


def jwk(key: Any, named: Any, **changes: Any) -> dict[str, Any]:
    """Write a public key as a member of a set; None drops a member."""
    kinds: dict[type, tuple[Any, str]] = {
        rsa.RSAPrivateKey: (RSAAlgorithm, "RS256"),
        ec.EllipticCurvePrivateKey: (ECAlgorithm, "ES256"),
    }
    writer, algorithm = next((pair for kind, pair in kinds.items() if isinstance(key, kind)), (OKPAlgorithm, "Ed25519"))
    members = {**writer.to_jwk(key.public_key(), as_dict=True), "kid": named, "alg": algorithm, "use": "sig"}
    members.pop("key_ops", None)
    return {name: value for name, value in (members | changes).items() if value is not None}


HONEST = jwk(GOOD, "good")


def as_set(keys: list[Any]) -> bytes:
    """Write a JWK Set."""
    return json.dumps({"keys": keys}).encode()
