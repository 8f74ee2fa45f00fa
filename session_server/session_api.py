"""Log in, log out, and see one's sessions."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import hdrs, web
from pydantic import BaseModel, RootModel

from core import redis_keys
from core.answers import Answer, empty_answer, json_answer
from core.authorization import PUBLIC, SIGNED_IN, needs
from core.body import read_json
from core.endpoint import Endpoint
from core.errors import NotFound, Rejected, Unavailable
from core.frame import SUBJECT
from core.login import Credentials, Login, user_agent_of
from core.logs import audit
from session_server.contract import SessionStrategy
from session_server.cookie import SessionCookie
from session_server.csrf import check_origin, csrf_token
from session_server.session import new_session, new_session_id
from session_server.settings import SessionSettings


@dataclass(frozen=True)
class SessionState:
    """Everything one session server works with."""

    settings: SessionSettings
    sessions: SessionStrategy
    login: Login
    cookie: SessionCookie
    origins: frozenset[str]


STATE = web.AppKey("state", SessionState)


class LoggedIn(BaseModel):
    """What a page needs beside the cookie. `expires_in` is in seconds: when the session ends for good."""

    csrf_token: str
    expires_in: int


class CsrfToken(BaseModel):
    """The session's token."""

    csrf_token: str


class SessionListEntry(BaseModel):
    """One session of the account. Times are Unix seconds."""

    handle: str
    created_at: float
    last_used_at: float
    user_agent: str
    current: bool


class SessionList(RootModel[list[SessionListEntry]]):
    """All sessions of the account, the one used last first."""


def _session_id(request: web.Request) -> str:
    return request.app[STATE].cookie.read(_cookies(request))


def _cookies(request: web.Request) -> Sequence[str]:
    return request.headers.getall(hdrs.COOKIE, ())


async def log_in(request: web.Request) -> Answer:
    """Turn credentials into a session. The id is always new; whatever session the cookie named before ends."""
    state = request.app[STATE]
    check_origin(request, state.origins)
    credentials = await read_json(request, Credentials)
    try:
        replaces = redis_keys.hashed(state.cookie.read(_cookies(request)))
    except Rejected:
        replaces = None
    user_agent = user_agent_of(request)
    for _ in range(2):
        began_at = await state.sessions.now()
        account = await state.login.check(credentials, request)
        session_id = new_session_id()
        session = new_session(account, began_at=began_at, user_agent=user_agent)
        if await state.sessions.create(redis_keys.hashed(session_id), session, replaces=replaces):
            audit.info("login.succeeded", sub=account.username, address=request.remote)
            expires_in = state.settings.session_absolute_ttl_s
            response = json_answer({"csrf_token": csrf_token(session_id), "expires_in": expires_in})
            response.headers[hdrs.SET_COOKIE] = state.cookie.write(session_id)
            return response
    raise Unavailable("login_overtaken", retry_after_s=1.0)


async def log_out(request: web.Request) -> Answer:
    """End this session: in the store first, then in the browser."""
    state, subject = request.app[STATE], request[SUBJECT]
    await state.sessions.end(subject.id, redis_keys.hashed(_session_id(request)))
    audit.info("logout", sub=subject.id)
    return _goodbye(state)


async def log_out_everywhere(request: web.Request) -> Answer:
    """End every session of the account so far."""
    state, subject = request.app[STATE], request[SUBJECT]
    await state.sessions.end_all(subject.id)
    audit.info("logout.everywhere", sub=subject.id)
    return _goodbye(state)


def _goodbye(state: SessionState) -> Answer:
    response = empty_answer()
    response.headers[hdrs.SET_COOKIE] = state.cookie.clear()
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


async def csrf(request: web.Request) -> Answer:
    """Tell a page its session's token again, after a reload."""
    return json_answer({"csrf_token": csrf_token(_session_id(request))})


async def list_sessions(request: web.Request) -> Answer:
    """Show the account's sessions."""
    state = request.app[STATE]
    current = redis_keys.hashed(_session_id(request))
    entries = await state.sessions.all_of(request[SUBJECT].id)
    return json_answer(
        [
            {
                "handle": entry.handle,
                "created_at": entry.created_at,
                "last_used_at": entry.last_used_at,
                "user_agent": entry.user_agent,
                "current": entry.id_hash == current,
            }
            for entry in entries
        ]
    )


async def end_session(request: web.Request) -> Answer:
    """End one session of the account."""
    state, subject, handle = request.app[STATE], request[SUBJECT], request.match_info["handle"]
    for entry in await state.sessions.all_of(subject.id):
        if entry.handle == handle:
            await state.sessions.end(subject.id, entry.id_hash)
            audit.info("logout.other", sub=subject.id)
            return empty_answer()
    raise NotFound("handle", "You have no such session.")


async def end_sessions_of(request: web.Request) -> Answer:
    """End every session of some account."""
    name = request.match_info["name"]
    await request.app[STATE].sessions.end_all(name)
    audit.info("account.sessions_ended", sub=name, by=request[SUBJECT].id)
    return empty_answer()


SESSION_ENDPOINTS = [
    Endpoint(
        "POST", "/login", log_in, PUBLIC, "User name and password → session cookie",
        {200: LoggedIn}, takes_json=Credentials, errors=(401, 403, 429),
    ),
    Endpoint("POST", "/logout", log_out, SIGNED_IN, "End this session", {204: None}),
    Endpoint("POST", "/logout-everywhere", log_out_everywhere, SIGNED_IN, "End every session so far", {204: None}),
    Endpoint("GET", "/csrf", csrf, SIGNED_IN, "The session's CSRF token", {200: CsrfToken}),
    Endpoint("GET", "/sessions", list_sessions, SIGNED_IN, "Your sessions", {200: SessionList}),
    Endpoint("DELETE", "/sessions/{handle}", end_session, SIGNED_IN, "End one session", {204: None}, errors=(404,)),
    Endpoint(
        "POST", "/admin/accounts/{name}/end-sessions", end_sessions_of, needs(role="admin"),
        "End every session of an account", {204: None},
    ),
]  # fmt: skip
