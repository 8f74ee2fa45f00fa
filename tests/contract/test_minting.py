"""What a thief makes out of all that a verifier holds: with a shared secret, tokens; with public keys, nothing."""

import base64
import hmac
import json
import time
from typing import Any

import pytest

from core.keys import secret_thumbprint
from core.strict_json import base64url_text
from tests.support.environments import AUDIENCE, ISSUER, OTHER_AUDIENCE, shared_secret
from tests.support.servers import Servers


def _claims(audience: str) -> dict[str, Any]:
    now = time.time()
    return {
        "iss": ISSUER, "aud": audience, "sub": "root", "client_id": "authlab-web", "jti": "forged", "iat": now,
        "exp": now + 300, "roles": ["admin"], "scope": "orders:read",
    }  # fmt: skip


def _forged(secret: bytes, audience: str, kid: str) -> str:
    """Sign by hand: a library would refuse some of these secrets, a thief does not use one that does."""
    header = {"alg": "HS256", "typ": "at+jwt", "kid": kid}
    signing_input = ".".join(base64url_text(json.dumps(part).encode()) for part in (header, _claims(audience)))
    return f"{signing_input}.{base64url_text(hmac.digest(secret, signing_input.encode(), 'sha256'))}"


@pytest.mark.parametrize("strategy", ["plain-jwt"])
async def test_a_shared_secret_mints_for_its_own_audience_only(strategy: str, servers: Servers) -> None:
    """HS256 is symmetric: who can verify can mint. One key for each audience keeps the damage inside that audience."""
    secret = shared_secret(AUDIENCE)
    ours = await servers.resource(strategy)
    answer = await ours.get("/admin/audit", token=_forged(secret, AUDIENCE, secret_thumbprint(secret)))
    assert 200 == answer.status, "this is the price of a shared secret, and we say so"
    other_secret = base64.urlsafe_b64encode(shared_secret(OTHER_AUDIENCE)).decode()
    theirs = await servers.resource(strategy, RESOURCE_AUDIENCE=OTHER_AUDIENCE, RESOURCE_SHARED_SECRET=other_secret)
    for kid in (secret_thumbprint(secret), secret_thumbprint(shared_secret(OTHER_AUDIENCE))):
        assert 401 == (await theirs.get("/me", token=_forged(secret, OTHER_AUDIENCE, kid))).status


@pytest.mark.parametrize("algorithm", ["Ed25519", "ES256", "RS256"])
async def test_public_keys_mint_nothing(algorithm: str, servers: Servers, tmp_path: Any) -> None:
    auth = await servers.auth(AUTH_ALGORITHM=algorithm, AUTH_KEYS_DIR=str(tmp_path))
    resource = await servers.resource(RESOURCE_JWKS_URL=f"{auth.url}/.well-known/jwks.json")
    token = (await auth.login()).json["access_token"]
    answer = await resource.get("/me", token=token)
    assert (200, "alice") == (answer.status, answer.json["sub"])
    published = await auth.get("/.well-known/jwks.json")
    (key,) = published.json["keys"]
    held = [published.body, key["kid"].encode(), *(str(value).encode() for value in key.values())]
    held += [base64.urlsafe_b64decode(value + "==") for name, value in key.items() if name in {"x", "y", "n"}]
    for secret in held:
        forged = _forged(secret, AUDIENCE, key["kid"])
        assert 401 == (await resource.get("/me", token=forged)).status
