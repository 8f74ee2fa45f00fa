"""One access token such as the auth server issues, taken apart, for each kind of key."""

import json
import os
import time
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from core.keys import ALGORITHMS, KeyRing, public_ring, secret_key
from core.strict_json import base64url_text

ISSUER = "http://127.0.0.1:8471"
AUDIENCE = "authlab-api"
_RSA_BITS = 3072
_LIFE_S = 3600
_AGE_S = 60  # joserfc cuts its clock to whole seconds and takes a token of this second for one from the future


@dataclass(frozen=True, slots=True)
class SignedToken:
    """A token, its three segments, and the keys that verify it."""

    text: str
    header: str
    payload: str
    signature: str
    ring: KeyRing
    claims: dict[str, Any]

    @property
    def signing_input(self) -> bytes:
        """The bytes that were signed."""
        return f"{self.header}.{self.payload}".encode()


def token_with_secret(secret: bytes) -> SignedToken:
    """Sign with a shared secret."""
    key = secret_key(secret)
    return _signed(KeyRing([key]), "HS256", key.kid, secret)


def token_with_private_key(algorithm: str) -> SignedToken:
    """Sign with a new private key; verifiers hold the public one."""
    private: Any
    match algorithm:
        case "Ed25519":
            private = ed25519.Ed25519PrivateKey.generate()
        case "ES256":
            private = ec.generate_private_key(ec.SECP256R1())
        case _:
            private = rsa.generate_private_key(65537, _RSA_BITS)
    jwk = json.loads(ALGORITHMS[algorithm].to_jwk(private.public_key()))
    jwk = {name: value for name, value in jwk.items() if name != "key_ops"} | {"kid": "a-key", "alg": algorithm}
    return _signed(public_ring(json.dumps({"keys": [jwk]}).encode()), algorithm, "a-key", private)


def _signed(ring: KeyRing, algorithm: str, kid: str, key: Any) -> SignedToken:
    claims = _claims()
    header = _segment({"alg": algorithm, "typ": "at+jwt", "kid": kid})
    payload = _segment(claims)
    signature = base64url_text(ALGORITHMS[algorithm].sign(f"{header}.{payload}".encode(), key))
    return SignedToken(f"{header}.{payload}.{signature}", header, payload, signature, ring, claims)


def _segment(members: dict[str, Any]) -> str:
    return base64url_text(json.dumps(members, separators=(",", ":")).encode())


def _claims() -> dict[str, Any]:
    issued_at = round(time.time() - _AGE_S, 3)
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "u0001",
        "client_id": "authlab-web",
        "iat": issued_at,
        "exp": issued_at + _LIFE_S,
        "jti": base64url_text(os.urandom(16)),
        "scope": "orders:read orders:write",
        "sid": base64url_text(os.urandom(16)),
        "name": "U0001",
        "roles": ["user"],
    }
