"""What a client does on each side: log in, carry the credential, log out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from lab.wire import Exchange, exchange, send_json

WEB_CLIENT = "authlab-web"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Refused(Exception):
    """A server answered, but not with what was asked for."""

    def __init__(self, what: str, answer: Exchange) -> None:
        code = f" ({answer.code})" if answer.code else ""
        super().__init__(f"{what}: {answer.url} answered {answer.status}{code}")
        self.answer = answer


@dataclass(frozen=True)
class TokenLogin:
    """What the auth server gave: a bearer token, carried in a header that the client sets itself."""

    access_token: str
    refresh_token: str | None

    def headers(self, method: str) -> dict[str, str]:
        """Return the headers that carry it."""
        _ = method
        return {"Authorization": f"Bearer {self.access_token}"}


@dataclass(frozen=True)
class SessionLogin:
    """What a session server gave: a cookie, which a browser would carry by itself, and the CSRF token beside it."""

    cookie: str
    csrf_token: str

    def headers(self, method: str) -> dict[str, str]:
        """Return the headers that carry it; whoever changes something proves that the request is meant."""
        proof = {} if method in SAFE_METHODS else {"X-CSRF-Token": self.csrf_token}
        return {"Cookie": self.cookie, **proof}


Credential = TokenLogin | SessionLogin


def try_login(server_url: str, username: str, password: str, **more: str) -> Exchange:
    """Send credentials to a server and return its answer, whatever it is."""
    return send_json("POST", f"{server_url}/login", {"username": username, "password": password, **more})


def token_login(auth_url: str, username: str, password: str, **more: str) -> TokenLogin:
    """Turn credentials into tokens. Raises `Refused`."""
    return tokens_of(_expect(try_login(auth_url, username, password, **more), f"login of {username}"))


def tokens_of(answer: Exchange) -> TokenLogin:
    """Read a token response (RFC 6749 §5.1)."""
    body = answer.json()
    return TokenLogin(body["access_token"], body.get("refresh_token"))


def session_login(session_url: str, username: str, password: str) -> SessionLogin:
    """Turn credentials into a session. Raises `Refused`."""
    return session_of(_expect(try_login(session_url, username, password), f"login of {username}"))


def session_of(answer: Exchange) -> SessionLogin:
    """Read what a session server answers to a right login."""
    cookie = (answer.header("Set-Cookie") or "").partition(";")[0]
    return SessionLogin(cookie, answer.json()["csrf_token"])


def call(
    credential: Credential | None, method: str, url: str, value: Any = None, *, headers: Mapping[str, str] | None = None
) -> Exchange:
    """Send a request that carries a credential, and JSON if a value is given."""
    fields = {**(credential.headers(method) if credential else {}), **(headers or {})}
    if value is None:
        return exchange(method, url, headers=fields)
    return send_json(method, url, value, headers=fields)


def must(credential: Credential, method: str, url: str, value: Any = None) -> Exchange:
    """Do the same and raise `Refused` unless it succeeds."""
    return _expect(call(credential, method, url, value), f"{method} {url}")


def refresh(auth_url: str, refresh_token: str) -> Exchange:
    """Ask for new tokens (RFC 6749 §6) as the public client of `/login`."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": WEB_CLIENT}
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return exchange("POST", f"{auth_url}/oauth/token", headers=headers, body=urlencode(form).encode())


def _expect(answer: Exchange, what: str) -> Exchange:
    if not 200 <= answer.status < 300:  # noqa: PLR2004 - the class of status codes that mean success
        raise Refused(what, answer)
    return answer
