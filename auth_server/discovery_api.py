"""What clients and verifiers need to know of this server: its keys (RFC 7517) and its endpoints (RFC 8414)."""

import hashlib
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from auth_server.state import STATE
from core.answers import Answer, empty_answer, encode_json, text_answer
from core.authorization import PUBLIC
from core.endpoint import Endpoint


class JwkSet(BaseModel):
    """Public keys."""

    keys: list[dict[str, Any]]


class Metadata(BaseModel):
    """Authorization server metadata."""

    issuer: str
    token_endpoint: str
    jwks_uri: str
    grant_types_supported: list[str]
    response_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    revocation_endpoint: str | None = None
    revocation_endpoint_auth_methods_supported: list[str] | None = None
    introspection_endpoint: str | None = None
    introspection_endpoint_auth_methods_supported: list[str] | None = None
    scopes_supported: list[str] | None = None


def _cacheable(request: web.Request, body: Any, max_age_s: int) -> Answer:
    text = encode_json(body)
    etag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    headers = {"Cache-Control": f"public, max-age={max_age_s}", "ETag": etag}
    if request.headers.get("If-None-Match") == etag:
        answer = empty_answer(304)
        answer.headers.update(headers)
        return answer
    return text_answer(text, "application/json", headers)


async def jwks(request: web.Request) -> Answer:
    """Publish the public keys. With HS256 there are none: its secret must stay one."""
    state = request.app[STATE]
    return _cacheable(request, state.keys.jwks(), state.settings.auth_jwks_max_age_s)


async def metadata(request: web.Request) -> Answer:
    """Describe the endpoints that work here; those that need a store are absent where there is none."""
    state = request.app[STATE]
    issuer = state.settings.auth_issuer
    base = issuer.rstrip("/")
    secret_methods = ["client_secret_basic", "client_secret_post"]
    scopes = sorted({scope for client in state.clients.values() for scope in client.scopes})
    body: dict[str, Any] = {
        "issuer": issuer,
        "token_endpoint": f"{base}/oauth/token",
        "jwks_uri": f"{base}/.well-known/jwks.json",
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": [*secret_methods, "none"],
        "scopes_supported": scopes,
    }
    if state.logins is not None:
        body["grant_types_supported"] = ["client_credentials", "refresh_token"]
        body["revocation_endpoint"] = f"{base}/oauth/revoke"
        body["revocation_endpoint_auth_methods_supported"] = [*secret_methods, "none"]
        body["introspection_endpoint"] = f"{base}/oauth/introspect"
        body["introspection_endpoint_auth_methods_supported"] = secret_methods
    return _cacheable(request, body, state.settings.auth_jwks_max_age_s)


DISCOVERY_ENDPOINTS = [
    Endpoint("GET", "/.well-known/jwks.json", jwks, PUBLIC, "Public keys (RFC 7517)", {200: JwkSet, 304: None}),
    Endpoint(
        "GET", "/.well-known/oauth-authorization-server", metadata, PUBLIC, "Server metadata (RFC 8414)",
        {200: Metadata, 304: None},
    ),
]  # fmt: skip
