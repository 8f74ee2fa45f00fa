"""Log in, log out, and see one's logins."""

from typing import Literal

from aiohttp import web
from pydantic import BaseModel, Field, RootModel

from auth_server.access_tokens import Grant
from auth_server.clients import WEB_CLIENT
from auth_server.logins import NewLogin
from auth_server.state import STATE, VERIFIED, AuthState
from core.accounts import Account
from core.answers import Answer, empty_answer, json_answer
from core.authorization import PUBLIC, SIGNED_IN
from core.body import read_json
from core.endpoint import Endpoint
from core.errors import BadRequest, NotFound, Unavailable
from core.frame import SUBJECT
from core.login import Credentials, user_agent_of
from core.logs import audit


class LoginRequest(Credentials):
    """Credentials, and what kind of token is wanted for whom."""

    audience: str | None = Field(default=None, max_length=255)
    token_format: Literal["jwt", "opaque"] = "jwt"  # noqa: S105 - the name of a format


class TokenResponse(BaseModel):
    """Tokens (RFC 6749 §5.1). `expires_in` is in seconds."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    scope: str
    refresh_token: str | None = None


class LoginEntry(BaseModel):
    """One login of the account. Times are Unix seconds."""

    handle: str
    created_at: float
    last_used_at: float
    user_agent: str
    current: bool


class LoginList(RootModel[list[LoginEntry]]):
    """All logins of the account, the one used last first."""


async def log_in(request: web.Request) -> Answer:
    """Turn credentials into tokens."""
    state = request.app[STATE]
    wanted = await read_json(request, LoginRequest)
    audience = wanted.audience or state.settings.auth_audiences[0]
    if audience not in state.settings.auth_audiences:
        raise BadRequest("audience", "This auth server issues no tokens for that audience.")
    if wanted.token_format == "opaque":  # noqa: S105 - the name of a format
        state.memory()
    user_agent = user_agent_of(request)
    for _ in range(2):
        began_at = await state.access_tokens.now()
        account = await state.login.check(Credentials(username=wanted.username, password=wanted.password), request)
        body = await _tokens(state, account, audience, wanted.token_format, user_agent, began_at)
        if body is not None:
            audit.info("login.succeeded", sub=account.username, address=request.remote, client=WEB_CLIENT)
            return json_answer(body)
    raise Unavailable("login_overtaken", retry_after_s=1.0)


async def _tokens(
    state: AuthState, account: Account, audience: str, token_format: str, user_agent: str, began_at: float
) -> dict[str, object] | None:
    """Return the token response; None when every login of the account was ended while this one was under way."""
    sid = refresh_token = None
    issued_at = began_at
    if state.logins is not None:
        login = NewLogin(account.username, WEB_CLIENT, account.scopes, audience, token_format, user_agent)
        created = await state.logins.create(login, began_at)
        if created is None:
            return None
        sid, refresh_token, issued_at = created
    grant = Grant(
        account.username,
        WEB_CLIENT,
        audience,
        account.scopes,
        issued_at,
        sid=sid,
        name=account.name,
        roles=account.roles,
    )
    body: dict[str, object] = await state.access_tokens.issue(grant, token_format)
    if refresh_token is not None:
        body["refresh_token"] = refresh_token
    return body


async def log_out(request: web.Request) -> Answer:
    """End this login: its refresh family and its access tokens."""
    state = request.app[STATE]
    memory = state.memory()
    token = request[VERIFIED]
    if token.sid is None:
        await memory.revoke_token(token.jti, token.expires_at)
    else:
        await memory.end(token.subject.id, token.sid, even_unknown=True)
    audit.info("logout", sub=token.subject.id)
    return empty_answer()


async def log_out_everywhere(request: web.Request) -> Answer:
    """End every login of the account so far."""
    subject = request[SUBJECT]
    await request.app[STATE].memory().end_all(subject.id)
    audit.info("logout.everywhere", sub=subject.id)
    return empty_answer()


async def list_logins(request: web.Request) -> Answer:
    """Show the account's logins."""
    state = request.app[STATE]
    token = request[VERIFIED]
    logins = await state.memory().all_of(token.subject.id)
    return json_answer([{**login, "current": login["handle"] == token.sid} for login in logins])


async def end_login(request: web.Request) -> Answer:
    """End one login of the account."""
    subject, handle = request[SUBJECT], request.match_info["handle"]
    if not await request.app[STATE].memory().end(subject.id, handle):
        raise NotFound("handle", "You have no such login.")
    audit.info("logout.other", sub=subject.id)
    return empty_answer()


LOGIN_ENDPOINTS = [
    Endpoint(
        "POST", "/login", log_in, PUBLIC, "User name and password → access token (and refresh token)",
        {200: TokenResponse}, takes_json=LoginRequest, errors=(401, 429, 501),
    ),
    Endpoint("POST", "/logout", log_out, SIGNED_IN, "End this login", {204: None}, errors=(501,)),
    Endpoint(
        "POST", "/logout-everywhere", log_out_everywhere, SIGNED_IN, "End all logins so far", {204: None}, errors=(501,)
    ),
    Endpoint("GET", "/logins", list_logins, SIGNED_IN, "Your logins", {200: LoginList}, errors=(501,)),
    Endpoint("DELETE", "/logins/{handle}", end_login, SIGNED_IN, "End one login", {204: None}, errors=(404, 501)),
]  # fmt: skip
