"""The settings that test servers start from: a demo's, with cheap password hashes and secrets made for this run."""

import os
from collections.abc import Mapping

from core.keys import audience_secret
from core.strict_json import base64url_bytes, base64url_text

ISSUER = "http://127.0.0.1:8471"
AUDIENCE = "authlab-api"
OTHER_AUDIENCE = "billing-api"


def _random_secret() -> str:
    """Return a master secret as `AUTH_MASTER_SECRET` wants it."""
    return base64url_text(os.urandom(32))


MASTER = _random_secret()
DEMO: Mapping[str, str] = {
    "AUTHLAB_DEMO": "true",
    "LOGIN_HASH_MEMORY_KIB": "8",
    "LOGIN_RATE_PER_ADDRESS": "1000000",
    "LOGIN_RATE_OVERALL": "1000000",
    "NAME": "server-of-a-test",
}
CLIENTS: Mapping[str, str] = {"demo-service": "demo-service-secret", "demo-resource": "demo-resource-secret"}


def shared_secret(audience: str = AUDIENCE, master: str = MASTER) -> bytes:
    """Return the HS256 secret of an audience's resource servers."""
    return audience_secret(base64url_bytes(master), audience)


def auth_environment(redis_url: str = "", **more: str) -> dict[str, str]:
    """Return the settings of an auth server with HS256 and the demo's accounts and clients."""
    return {
        **DEMO,
        "AUTH_ISSUER": ISSUER,
        "AUTH_AUDIENCES": f"{AUDIENCE},{OTHER_AUDIENCE}",
        "AUTH_MASTER_SECRET": MASTER,
        "AUTH_REDIS_URL": redis_url,
        **more,
    }


def resource_environment(strategy: str = "plain-jwt", **more: str) -> dict[str, str]:
    """Return the settings of a resource server that holds its audience's shared secret."""
    secret = {} if "RESOURCE_JWKS_URL" in more else {"RESOURCE_SHARED_SECRET": base64url_text(shared_secret())}
    return {
        "AUTHLAB_DEMO": "true",
        "NAME": "server-of-a-test",
        "RESOURCE_STRATEGY": strategy,
        "RESOURCE_ISSUER": ISSUER,
        "RESOURCE_AUDIENCE": AUDIENCE,
        **secret,
        **more,
    }


def session_environment(strategy: str = "redis-session", redis_url: str = "", **more: str) -> dict[str, str]:
    """Return the settings of a session server whose cookie travels over plain HTTP."""
    return {
        **DEMO,
        "SESSION_STRATEGY": strategy,
        "SESSION_REDIS_URL": redis_url,
        "SESSION_COOKIE_SECURE": "false",
        **more,
    }
