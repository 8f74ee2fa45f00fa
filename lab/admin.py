"""Act on a running system as an admin, through its servers, as any other client would."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from lab.clients import Credential, Refused, SessionLogin, must, session_login, token_login
from lab.places import Places, Server


class Admin:
    """An admin logged in at the auth server."""

    def __init__(self, auth_url: str, username: str, password: str) -> None:
        self._auth_url = auth_url
        self._username = username
        self._password = password
        self._token = token_login(auth_url, username, password)

    def get(self, path: str) -> Any:
        """Read something. Raises `Refused` or `NoAnswer`."""
        return must(self._token, "GET", self._auth_url + path).json()

    def post(self, path: str, value: Any = None) -> Any:
        """Change something and return the answer, None when it has no body. Raises `Refused` or `NoAnswer`."""
        answer = must(self._token, "POST", self._auth_url + path, value)
        return answer.json() if answer.body else None

    @contextmanager
    def sessions_at(self, servers: Iterable[Server]) -> Iterator[list["AdminSession"]]:
        """Log in at session servers, and out again. Log in before a change: it may concern this very admin."""
        sessions = [AdminSession(one.url, session_login(one.url, self._username, self._password)) for one in servers]
        yield sessions
        for session in sessions:
            _log_out(session.login, session.url)

    def log_out(self) -> None:
        """End this login."""
        _log_out(self._token, self._auth_url)


@dataclass(frozen=True, slots=True)
class AdminSession:
    """An admin logged in at one session server."""

    url: str
    login: SessionLogin

    def end_all_of(self, username: str) -> None:
        """End every session of an account there. Raises `Refused` or `NoAnswer`."""
        must(self.login, "POST", f"{self.url}/admin/accounts/{quote(username, safe='')}/end-sessions")


def _log_out(credential: Credential, server_url: str) -> None:
    try:
        must(credential, "POST", f"{server_url}/logout")
    except Refused as refused:
        if refused.answer.status != HTTPStatus.UNAUTHORIZED:  # ended already: the change concerned this very admin
            raise


def session_stores(places: Places) -> list[Server]:
    """Return one server of the store that redis- and tracked-session share, and every one with its own memory."""
    sharing = [*places.at("redis-session"), *places.at("tracked-session")]
    return [*sharing[:1], *places.at("memory-session")]
