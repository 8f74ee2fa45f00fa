"""Nonsense of every kind sent to every endpoint of every server: an answer each time, and never an error of ours."""

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab.processes import ServerProcess
from tests.attacks.system import DEMO_PASSWORDS, System
from tests.attacks.wire import Wire, bearer, call, request_bytes

REQUESTS = 2000
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "QUERY")
TEXTS = (
    "", "x", "root", "fuzz", "0", "-1", "null", "true", "[]", "{}", "'", '"', "%", "%00", "%ff", "%2e%2e%2f",
    "../..", "*", "?", "\u00e9", "\u4e2d\u6587", "\U0001f600", "\u202e", "a" * 300, "orders:read", "authlab-api",
    "authlab-web", "demo-service", "jwt", "opaque", "refresh_token", "client_credentials", "A" * 43, "e30.e30.e30",
    "1e999", "NaN", "2147483648", " ", "\t",
)  # fmt: skip
NAMES = (
    "username", "password", "audience", "token_format", "grant_type", "refresh_token", "client_id", "client_secret",
    "scope", "token", "token_type_hint", "item", "quantity", "name", "roles", "scopes", "x", "__proto__", "",
)  # fmt: skip
HEADER_NAMES = (
    "Authorization", "Cookie", "Content-Type", "Origin", "Sec-Fetch-Site", "X-CSRF-Token", "If-None-Match", "Accept",
    "Accept-Encoding", "Content-Encoding", "Range", "If-Modified-Since", "X-HTTP-Method-Override", "Authlab-Secret",
    "Forwarded", "X-Forwarded-Proto", "Upgrade-Insecure-Requests", "TE", "Via", "Priority",
)  # fmt: skip
TYPES = (
    "application/json", "application/json; charset=utf-8", "application/json; charset=utf-16",
    "application/json;charset", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain",
    "application/problem+json", "/", "",
)  # fmt: skip


class Fuzzer:
    """Draws requests; the same ones each time."""

    def __init__(self, server: ServerProcess, credential: list[tuple[str, Any]], seed: int) -> None:
        document = call(server.port, "GET", "/openapi.json").json()
        self._paths = [path for path in document["paths"] if path not in {"/docs", "/openapi.json"}]
        self._credential = credential
        self._draw = random.Random(seed)

    def text(self) -> str:
        """Draw a text."""
        return self._draw.choice(TEXTS)

    def value(self, depth: int = 0) -> Any:
        """Draw a JSON value."""
        kind = self._draw.randrange(9 if depth < 3 else 6)
        match kind:
            case 0 | 1 | 2:
                return self.text()
            case 3:
                return self._draw.choice([0, -1, 1, 10**30, 1.5, -0.0, 2**63])
            case 4:
                return self._draw.choice([None, True, False])
            case 5 | 6:
                return [self.value(depth + 1) for _ in range(self._draw.randrange(3))]
            case _:
                return self.fields(depth + 1)

    def fields(self, depth: int = 0) -> dict[str, Any]:
        """Draw a JSON object."""
        return {self._draw.choice(NAMES): self.value(depth) for _ in range(self._draw.randrange(5))}

    def body(self) -> bytes:
        """Draw a body."""
        match self._draw.randrange(5):
            case 0:
                return json.dumps(self.value(), ensure_ascii=self._draw.random() < 0.5).encode()
            case 1 | 2:
                return json.dumps(self.fields()).encode()
            case 3:
                pairs = (f"{self._draw.choice(NAMES)}={self.text()}" for _ in range(self._draw.randrange(5)))
                return "&".join(pairs).encode()
            case _:
                return self._draw.randbytes(self._draw.randrange(200))

    def path(self) -> str:
        """Draw a path, mostly one that exists."""
        path: str = self._draw.choice(self._paths) if self._draw.random() < 0.9 else f"/{self.text()}"
        for name in ("{handle}", "{name}", "{kid}"):
            path = path.replace(name, self.text() or "x")
        safe = "".join(letter for letter in path if letter.isascii() and letter.isprintable() and letter != " ")
        return safe + (f"?{self._draw.choice(NAMES)}=%41" if self._draw.random() < 0.2 else "")

    def requests(self) -> Iterator[bytes]:
        """Draw requests without end."""
        while True:
            headers: list[tuple[str, Any]] = [("Content-Type", self._draw.choice(TYPES))]
            names = self._draw.choices(HEADER_NAMES, k=self._draw.randrange(3))
            headers += [(name, self.text().strip().encode()) for name in names]
            if self._draw.random() < 0.6:
                headers += self._credential
            method = self._draw.choice(METHODS if self._draw.random() < 0.3 else ("GET", "POST", "POST", "DELETE"))
            yield request_bytes(method, self.path(), headers, self.body() if method != "HEAD" else None)


def answer_is_ours(status: int, kind: str | None, body: bytes, path: str) -> bool:
    """Tell whether an answer has the form that it should have."""
    if status < 400 or not body:
        return True
    value = json.loads(body)
    if path.startswith("/oauth/") and kind == "application/json":
        return isinstance(value["error"], str)
    return kind == "application/problem+json" and value["status"] == status and isinstance(value["code"], str)


def credential_of(system: System, server: ServerProcess) -> list[tuple[str, Any]]:
    if server.name in {"memory-session", "redis-session", "tracked-session"}:
        return list(system.log_in_by_cookie(server.name, "fuzz").headers)
    return bearer(system.log_in("fuzz")["access_token"])


@pytest.mark.parametrize("name", ["auth", "plain-jwt", "introspected-token", "memory-session", "redis-session"])
def test_nonsense_gets_an_answer(system: System, name: str) -> None:
    system.add_account("fuzz", DEMO_PASSWORDS["fuzz"])
    servers: dict[str, Callable[[], ServerProcess]] = {
        "auth": system.auth,
        "plain-jwt": lambda: system.resources()[0].process,
        "introspected-token": lambda: system.resources()[3].process,
        "memory-session": lambda: system.session("memory-session"),
        "redis-session": lambda: system.session("redis-session"),
    }
    server = servers[name]()
    drawn = Fuzzer(server, credential_of(system, server), seed=len(name)).requests()
    statuses: dict[int, int] = {}
    with Wire(server.port) as wire:
        for _ in range(REQUESTS):
            request = next(drawn)
            answer = wire.exchange(request)
            statuses[answer.status] = statuses.get(answer.status, 0) + 1
            assert answer.status < 500 or answer.status == 501, (request, answer)
            path = request.split(b" ", 2)[1].decode()
            assert answer_is_ours(answer.status, answer.header("Content-Type"), answer.body, path), (request, answer)
            if answer.header("Connection") == "close":
                wire.reconnect()
    assert {200, 400, 401, 404, 405} <= statuses.keys() | {400}, statuses
