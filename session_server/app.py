"""The session server, put together."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import hdrs, web

from core.accounts import FileAccounts, RedisAccounts
from core.errors import NoCredential, Refusal, Rejected
from core.frame import Guard
from core.guarded import guarded_endpoints
from core.login import Login
from core.passwords import Passwords
from core.redis_link import open_redis
from core.seed import seed_accounts
from core.service import FRAME, NOT_READY, Service, build_app
from core.settings import SettingsError
from core.subject import Subject
from core.throttle import make_throttle
from session_server.cookie import SessionCookie
from session_server.csrf import SAFE_METHODS, check_origin, check_token
from session_server.session_api import SESSION_ENDPOINTS, STATE, SessionState
from session_server.settings import SessionSettings
from session_server.strategies import STRATEGIES
from session_server.strategies.tracked_session import TrackedSessions

_CHALLENGE = 'Cookie realm="authlab"'
_LOGOUTS = frozenset({"/logout", "/logout-everywhere"})


class CookieGuard:
    """Recognises callers by the session cookie; what changes something must prove where it comes from, too."""

    def __init__(self, state: SessionState) -> None:
        self._verify = state.sessions.verify
        self._cookie = state.cookie
        self._origins = state.origins
        self.checks = state.sessions.checks

    async def authenticate(self, request: web.Request) -> Subject:
        """Return who is asking."""
        session_id = self._cookie.read(request.headers.getall(hdrs.COOKIE, ()))
        subject = await self._verify(session_id)
        if request.method not in SAFE_METHODS:
            check_origin(request, self._origins)
            check_token(request, session_id)
        return subject

    def challenge(self, request: web.Request, refusal: Refusal) -> Mapping[str, str]:
        """Return the challenge; whoever logs out with a dead cookie loses it all the same."""
        if not isinstance(refusal, Rejected):
            return {}
        if request.path in _LOGOUTS and not isinstance(refusal, NoCredential):
            return {hdrs.WWW_AUTHENTICATE: _CHALLENGE, hdrs.SET_COOKIE: self._cookie.clear()}
        return {hdrs.WWW_AUTHENTICATE: _CHALLENGE}


def create_app(settings: SessionSettings) -> web.Application:
    """Build a session server. Raises `SettingsError` for an unknown strategy or what it lacks."""
    strategy = STRATEGIES.get(settings.session_strategy)
    if strategy is None:
        raise SettingsError(f"SESSION_STRATEGY is one of {', '.join(STRATEGIES)}")
    if settings.session_strategy != "memory-session":
        settings.need_redis()
    accounts_url = settings.session_accounts_redis_url
    seed = seed_accounts(settings, settings.session_accounts_file, "SESSION_ACCOUNTS_FILE", stored=bool(accounts_url))

    @asynccontextmanager
    async def resources(app: web.Application) -> AsyncIterator[Guard]:
        async with AsyncExitStack() as stack:
            sessions = await stack.enter_async_context(strategy.open(settings))
            link = await stack.enter_async_context(open_redis(accounts_url)) if accounts_url else None
            accounts = FileAccounts(seed) if link is None else RedisAccounts(link, seed)
            passwords = Passwords(memory_kib=settings.login_hash_memory_kib)
            stack.callback(passwords.close)
            state = SessionState(
                settings=settings,
                sessions=sessions,
                login=Login(accounts, passwords, make_throttle(settings, link)),
                cookie=SessionCookie(settings),
                origins=settings.origins(),
            )
            app[STATE] = state
            app[NOT_READY].append(sessions.not_ready)
            if isinstance(sessions, TrackedSessions):
                app[FRAME].metrics.gauge(
                    "authlab_sessions_remembered", "Sessions remembered here.", lambda: len(sessions)
                )
            yield CookieGuard(state)

    name = settings.name or "session"
    hsts = (
        {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"} if settings.session_cookie_secure else {}
    )
    service = Service(
        title=f"Auth Lab: session server ({settings.session_strategy})",
        endpoints=[*SESSION_ENDPOINTS, *guarded_endpoints(name, settings.session_strategy)],
        resources=resources,
        security={"session": {"type": "apiKey", "in": "cookie", "name": settings.cookie_name()}},
        headers=hsts,
    )
    return build_app(settings, service)
