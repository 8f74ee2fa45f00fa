"""Make tokens by hand, right or wrong in any place. Nothing here uses the code under test."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

HASHES: dict[str, type[HashAlgorithm]] = {"256": SHA256, "384": SHA384, "512": SHA512}


def b64(data: bytes | str) -> str:
    """Encode as unpadded base64url."""
    return base64.urlsafe_b64encode(data.encode() if isinstance(data, str) else data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Decode unpadded base64url, the lenient way."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def segment(value: object) -> str:
    """Encode a value as the JSON segment of a token; bytes and text go in as they are."""
    return b64(value if isinstance(value, bytes | str) else json.dumps(value, separators=(",", ":")))


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """Take a token apart without verifying it."""
    header, payload, signature = token.split(".")
    return json.loads(unb64(header)), json.loads(unb64(payload)), unb64(signature)


def signature_of(algorithm: str, key: Any, data: bytes) -> bytes:
    """Sign as RFC 7518 has it; an HMAC takes any bytes as its key, also none."""
    family, bits = algorithm[:2], algorithm[2:]
    if family == "HS":
        return hmac.digest(key, data, f"sha{bits}")
    if family == "RS":
        assert isinstance(key, rsa.RSAPrivateKey)
        return key.sign(data, padding.PKCS1v15(), HASHES[bits]())
    if family == "PS":
        assert isinstance(key, rsa.RSAPrivateKey)
        hashed = HASHES[bits]()
        return key.sign(data, padding.PSS(padding.MGF1(hashed), hashed.digest_size), hashed)
    if family == "ES":
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        size = (key.key_size + 7) // 8
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(HASHES[bits]())))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    assert isinstance(key, ed25519.Ed25519PrivateKey)
    return key.sign(data)


def signed(header: object, claims: object, key: Any, algorithm: str = "HS256") -> str:
    """Return a compact JWS whose header may say anything; it is signed with `algorithm`."""
    signing_input = f"{segment(header)}.{segment(claims)}"
    return f"{signing_input}.{b64(signature_of(algorithm, key, signing_input.encode()))}"


def claims(issuer: str, **changes: Any) -> dict[str, Any]:
    """Return the claims of a good access token of root, the account with every right; None drops a claim."""
    now = time.time()
    good: dict[str, Any] = {
        "iss": issuer,
        "aud": "authlab-api",
        "sub": "root",
        "client_id": "authlab-web",
        "iat": round(now, 3),
        "exp": round(now + 120, 3),
        "jti": secrets.token_urlsafe(16),
        "sid": secrets.token_urlsafe(16),
        "scope": "orders:read orders:write",
        "name": "Root",
        "roles": ["admin", "user"],
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def thumbprint(jwk: dict[str, str], members: tuple[str, ...]) -> str:
    """Return the RFC 7638 thumbprint."""
    canonical = json.dumps({name: jwk[name] for name in sorted(members)}, separators=(",", ":"))
    return b64(hashlib.sha256(canonical.encode()).digest())
