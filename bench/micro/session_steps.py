"""The steps from a cookie to a subject that are taken without the store."""

import secrets
from collections.abc import Iterator
from functools import partial

from aiohttp._cookie_helpers import parse_cookie_header  # what its `request.cookies` calls; it has no public name

from bench.micro.timing import Step, calling
from core import redis_keys
from core.accounts import Account
from core.settings import load
from session_server.cookie import SessionCookie
from session_server.session import Session, from_json, new_session, new_session_id, to_json
from session_server.settings import SessionSettings

_USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"


def session_steps() -> Iterator[Step]:
    """Return every step with one session."""
    cookie = SessionCookie(load(SessionSettings, {"SESSION_COOKIE_SECURE": "false"}))
    session_id = new_session_id()
    alone = f"session={session_id}"
    crowded = f"theme=dark; consent=yes; {alone}; _ga=GA1.1.{secrets.token_hex(8)}"
    text = to_json(_session()).encode()
    yield Step("session", "cookie, alone", calling(partial(cookie.read, (alone,))))
    yield Step("session", "cookie, among three others", calling(partial(cookie.read, (crowded,))))
    yield Step("session", "cookie, alone: aiohttp", calling(partial(parse_cookie_header, alone)), "theirs")
    yield Step("session", "hash of the session id", calling(partial(redis_keys.hashed, session_id)))
    yield Step("session", "session from JSON", calling(partial(from_json.__wrapped__, text)))
    yield Step("session", "session from JSON, same bytes as before", calling(partial(from_json, text)))


def _session() -> Session:
    account = Account(
        username="u0001", name="U0001", password_hash="", roles=("user",), scopes=("orders:read", "orders:write")
    )
    return new_session(account, began_at=1767225600.123, user_agent=_USER_AGENT)
