"""Lines of the load, each with what is promised about it."""

import json
from collections.abc import Sequence

from lab.processes import ServerProcess
from tests.faults.experiment import Guarded
from tests.faults.load.plan import Line, Shot
from tests.faults.oracle import Watched
from tests.faults.people import Credential

UNAFFECTED = frozenset[str]()
REFUSES = frozenset({"503"})
"""Fail closed, and say when to come back."""


def reads(
    name: str,
    servers: ServerProcess | Sequence[ServerProcess],
    credentials: Sequence[Credential],
    rate: float,
    *,
    may_fail: frozenset[str] = UNAFFECTED,
    stale_s: float | None = 0.0,
) -> Guarded:
    """Read `/me` with each credential in turn."""
    shots = tuple(Shot(_request("GET", "/me", one.header), one.caller, one.subject) for one in credentials)
    return Guarded(Line(name, _ports(servers), rate, shots), Watched(stale_s, may_fail))


def logouts(
    name: str,
    server: ServerProcess,
    credentials: Sequence[Credential],
    rate: float,
    *,
    may_fail: frozenset[str] = UNAFFECTED,
) -> Guarded:
    """End one credential after the other, each once."""
    shots = tuple(Shot(_request("POST", "/logout", one.header, *one.logout_headers), one.caller) for one in credentials)
    return Guarded(Line(name, (server.port,), rate, shots, once=True), Watched(None, may_fail), ends=True)


def refreshes(
    name: str,
    servers: ServerProcess | Sequence[ServerProcess],
    credentials: Sequence[Credential],
    rate: float,
    *,
    may_fail: frozenset[str] = UNAFFECTED,
) -> Guarded:
    """Use refresh tokens, each answer's successor next; without an answer the same token again."""
    shots = tuple(Shot(one.refresh_token, one.caller, one.subject) for one in credentials)
    line = Line(name, _ports(servers), rate, shots, kind="refresh")
    return Guarded(line, Watched(None, may_fail, refuses_with_400=True))


def logins(
    name: str,
    servers: ServerProcess | Sequence[ServerProcess],
    username: str,
    rate: float,
    *,
    may_fail: frozenset[str] = UNAFFECTED,
) -> Guarded:
    """Log an account in, with the right password."""
    body = json.dumps({"username": username, "password": f"{username}-demo-password"})
    shot = Shot(_request("POST", "/login", "Content-Type: application/json", body=body), username)
    return Guarded(Line(name, _ports(servers), rate, (shot,)), Watched(None, may_fail))


def _request(method: str, path: str, *headers: str, body: str | None = None) -> str:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", body or ""])


def _ports(servers: ServerProcess | Sequence[ServerProcess]) -> tuple[int, ...]:
    return (servers.port,) if isinstance(servers, ServerProcess) else tuple(server.port for server in servers)
