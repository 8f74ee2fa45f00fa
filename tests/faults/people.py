"""Who sends the load: callers with credentials of their own, each known to the oracle by a name."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from lab.processes import ServerProcess
from tests.attacks.wire import Answer, call_json

_NUMBERS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Credential:
    """What one login brought: a header that is recognised, and what it takes to log out."""

    caller: str
    subject: str
    header: str
    logout_headers: tuple[str, ...] = ()
    access_token: str = ""
    refresh_token: str = ""

    @property
    def header_field(self) -> tuple[str, str]:
        """The header's name and its value."""
        name, _, value = self.header.partition(": ")
        return name, value


def log_in(server: ServerProcess, username: str, count: int = 1, **fields: str) -> list[Credential]:
    """Log a demo account in, again and again; an account may have a hundred logins at most."""
    credentials = {"username": username, "password": f"{username}-demo-password", **fields}
    return [_credential(username, call_json(server.port, "POST", "/login", credentials)) for _ in range(count)]


def log_in_all(server: ServerProcess, count: int, usernames: Sequence[str] = ("alice", "bob")) -> list[Credential]:
    """Log several accounts in, `count` times each, so that neighbours in the list are different people."""
    people = [log_in(server, username, count) for username in usernames]
    return [credential for together in zip(*people, strict=True) for credential in together]


def _credential(subject: str, answer: Answer) -> Credential:
    assert 200 == answer.status, answer
    caller = f"{subject}-{next(_NUMBERS)}"
    body = answer.json()
    if (token := body.get("access_token")) is not None:
        return Credential(caller, subject, f"Authorization: Bearer {token}", (), token, body.get("refresh_token", ""))
    cookie = str(answer.header("Set-Cookie")).partition(";")[0]
    return Credential(caller, subject, f"Cookie: {cookie}", (f"X-CSRF-Token: {body['csrf_token']}",))
