"""The standard endpoints: tokens (RFC 6749), revocation (RFC 7009) and introspection (RFC 7662)."""

import base64
import binascii
from typing import Any
from urllib.parse import unquote_plus

from aiohttp import hdrs, web
from pydantic import BaseModel

from auth_server.access_tokens import Grant
from auth_server.clients import Client, proves_itself
from auth_server.login_api import TokenResponse
from auth_server.logins import RefreshRefused
from auth_server.oauth_errors import InvalidClient, OAuthRefusal
from auth_server.state import STATE, AuthState
from core.accounts import Account
from core.answers import Answer, empty_answer, json_answer
from core.authorization import PUBLIC
from core.body import read_form
from core.endpoint import Endpoint
from core.errors import Rejected
from core.logs import audit
from core.strict_json import is_256_bits


class ClientFields(BaseModel):
    """How a client may name itself in the body instead of in an Authorization header."""

    client_id: str | None = None
    client_secret: str | None = None


class TokenForm(ClientFields):
    """A token request."""

    grant_type: str
    refresh_token: str | None = None
    scope: str | None = None
    audience: str | None = None


class TokenToJudge(ClientFields):
    """A token to revoke or to introspect."""

    token: str
    token_type_hint: str | None = None


class Introspected(BaseModel):
    """What a token stands for; only `active` when it stands for nothing."""

    active: bool
    scope: str | None = None
    client_id: str | None = None
    username: str | None = None
    token_type: str | None = None
    exp: float | None = None
    iat: float | None = None
    sub: str | None = None
    aud: str | None = None
    iss: str | None = None
    jti: str | None = None
    sid: str | None = None
    name: str | None = None
    roles: list[str] | None = None


def _client(request: web.Request, form: dict[str, str]) -> Client:
    """Return the client that the request proves to come from (RFC 6749 §2.3); a public one proves nothing."""
    values = request.headers.getall(hdrs.AUTHORIZATION, ())
    in_body = "client_secret" in form
    if len(values) > 1 or (values and in_body):
        raise OAuthRefusal("invalid_request", "Authenticate the client one way.")
    client_id, secret = _basic(values[0]) if values else (form.get("client_id", ""), form.get("client_secret", ""))
    if values and form.get("client_id", client_id) != client_id:
        raise OAuthRefusal("invalid_request", "Two clients are named.")
    client = request.app[STATE].clients.get(client_id)
    if client is not None and client.is_public and not secret:
        return client
    if not proves_itself(client, secret) or client is None:
        audit.info("client.refused", client=client.client_id if client else None, address=request.remote)
        raise InvalidClient
    return client


def _basic(value: str) -> tuple[str, str]:
    scheme, _, encoded = value.partition(" ")
    if scheme.lower() != "basic":
        raise InvalidClient
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError) as error:
        raise InvalidClient from error
    return unquote_plus(client_id), unquote_plus(secret)


def _confidential(request: web.Request, form: dict[str, str]) -> Client:
    client = _client(request, form)
    if client.is_public:
        raise InvalidClient
    return client


async def token(request: web.Request) -> Answer:
    """Issue tokens for a refresh token or for a client itself. There is no password grant (RFC 9700 §2.4)."""
    form = await read_form(request)
    grant_type = form.get("grant_type")
    if not grant_type:
        raise OAuthRefusal("invalid_request", "grant_type is missing.")
    if grant_type not in {"refresh_token", "client_credentials"}:
        raise OAuthRefusal("unsupported_grant_type")
    client = _client(request, form)
    if grant_type not in client.grants:
        raise OAuthRefusal("unauthorized_client")
    state = request.app[STATE]
    if grant_type == "refresh_token":
        return json_answer(await _refresh(state, client, form))
    return json_answer(await _client_credentials(state, client, form))


async def _refresh(state: AuthState, client: Client, form: dict[str, str]) -> dict[str, Any]:
    memory = state.memory()
    refresh_token = form.get("refresh_token", "")
    if not refresh_token:
        raise OAuthRefusal("invalid_request", "refresh_token is missing.")
    if not is_256_bits(refresh_token):
        raise OAuthRefusal("invalid_grant")
    try:
        refreshed = await memory.refresh(refresh_token, client_id=client.client_id, wanted=_scope(form))
    except RefreshRefused as refused:
        if refused.reason == "reused":
            audit.warning("refresh.reused", sub=refused.sub, login=refused.sid, client=client.client_id)
        raise OAuthRefusal("invalid_scope" if refused.reason == "scope" else "invalid_grant") from refused
    account = await _account_of(state, refreshed.sub, refreshed.sid)
    scopes = tuple(scope for scope in refreshed.scopes if scope in account.scopes)
    grant = Grant(
        refreshed.sub, client.client_id, refreshed.audience, scopes, refreshed.issued_at,
        sid=refreshed.sid, name=account.name, roles=account.roles,
    )  # fmt: skip
    body = await state.access_tokens.issue(grant, refreshed.token_format)
    audit.info("refresh.succeeded", sub=refreshed.sub, client=client.client_id)
    return {**body, "refresh_token": refreshed.successor}


async def _account_of(state: AuthState, sub: str, sid: str) -> Account:
    account = await state.accounts.find(sub)
    if account is None or account.disabled:
        await state.memory().end(sub, sid)
        raise OAuthRefusal("invalid_grant")
    return account


async def _client_credentials(state: AuthState, client: Client, form: dict[str, str]) -> dict[str, Any]:
    wanted = _scope(form) or client.scopes
    if not set(wanted) <= set(client.scopes):
        raise OAuthRefusal("invalid_scope")
    audience = form.get("audience", state.settings.auth_audiences[0])
    if audience not in state.settings.auth_audiences:
        raise OAuthRefusal("invalid_target", "This auth server issues no tokens for that audience.")
    grant = Grant(
        f"client:{client.client_id}", client.client_id, audience, wanted, await state.access_tokens.now(),
        name=client.client_id, roles=(),
    )  # fmt: skip
    audit.info("client.token", client=client.client_id)
    return await state.access_tokens.issue(grant, "jwt")


def _scope(form: dict[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(form.get("scope", "").split(" "))) if form.get("scope") else ()


async def revoke(request: web.Request) -> Answer:
    """Revoke a token of the client's own. 200 for whatever it is not (RFC 7009 §2.2); the hint is only a hint."""
    form = await read_form(request)
    client = _client(request, form)
    memory = request.app[STATE].memory()
    text = _token_text(form)
    if is_256_bits(text) and await memory.end_family(text, client.client_id):
        audit.info("revoke.family", client=client.client_id)
        return empty_answer(200)
    try:
        verified = await request.app[STATE].introspection.verified(text)
    except Rejected:
        return empty_answer(200)
    if verified.client_id == client.client_id:
        await memory.revoke_token(verified.jti, verified.expires_at)
        audit.info("revoke.token", client=client.client_id, sub=verified.subject.id)
    return empty_answer(200)


async def introspect(request: web.Request) -> Answer:
    """Tell a confidential client whether an access token is good, and what it stands for."""
    form = await read_form(request)
    _confidential(request, form)
    state = request.app[STATE]
    state.memory()
    try:
        verified = await state.introspection.verified(_token_text(form))
    except Rejected:
        return json_answer({"active": False})
    subject = verified.subject
    answer: dict[str, Any] = {
        "active": True,
        "scope": " ".join(subject.scopes),
        "client_id": verified.client_id,
        "username": subject.id,
        "token_type": "Bearer",
        "exp": verified.expires_at,
        "iat": verified.issued_at,
        "sub": subject.id,
        "aud": verified.audience,
        "iss": subject.issuer,
        "jti": verified.jti,
        "name": subject.name,
        "roles": subject.roles,
    }
    return json_answer(answer if verified.sid is None else {**answer, "sid": verified.sid})


def _token_text(form: dict[str, str]) -> str:
    text = form.get("token", "")
    if not text:
        raise OAuthRefusal("invalid_request", "token is missing.")
    return text


OAUTH_ENDPOINTS = [
    Endpoint(
        "POST", "/oauth/token", token, PUBLIC, "Refresh tokens, or get one for a client itself (RFC 6749)",
        {200: TokenResponse}, takes_form=TokenForm, errors=(401, 501), errors_are_oauth=True,
    ),
    Endpoint(
        "POST", "/oauth/revoke", revoke, PUBLIC, "Revoke a token (RFC 7009)",
        {200: None}, takes_form=TokenToJudge, errors=(401, 501), errors_are_oauth=True,
    ),
    Endpoint(
        "POST", "/oauth/introspect", introspect, PUBLIC, "Ask what an access token stands for (RFC 7662)",
        {200: Introspected}, takes_form=TokenToJudge, errors=(401, 501), errors_are_oauth=True,
    ),
]  # fmt: skip
