"""Secrets planted in every place of every request, then looked for in logs, answers and metrics (HTTP-05, KEY-09)."""

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
from aiohttp import web

from core.authorization import PUBLIC
from core.endpoint import Endpoint
from core.frame import Guard
from core.guarded import guarded_endpoints
from core.logs import configure_logs
from core.service import Service, build_app, listen, serving
from core.settings import ServerSettings, load
from lab.processes import ServerProcess
from tests.attacks.forge import b64
from tests.attacks.system import DEMO_PASSWORDS, SESSION_STRATEGIES, System
from tests.attacks.wire import Wire, call, call_json, request_bytes

HALF = "Canary7"
"""In each planted secret, so that a part of one is found as well."""
PASSWORD = f"{HALF}-password-that-nobody-has"
TOKEN = ".".join(b64(text) for text in ('{"alg":"HS256","kid":"k"}', f'{{"sub":"{HALF}"}}', f"{HALF}-of-a-signature-x"))
OPAQUE = f"{HALF}{'A' * (43 - len(HALF))}"
SECRET = f"{HALF}-client-secret"
BASIC = base64.b64encode(f"demo-service:{SECRET}".encode()).decode()
PLANTED = (HALF, TOKEN, TOKEN.split(".")[1], TOKEN.split(".")[2], OPAQUE, BASIC, b64(SECRET))
FORM = ("Content-Type", "application/x-www-form-urlencoded")
JSON = ("Content-Type", "application/json")
HEADERS: tuple[tuple[str, str], ...] = (
    ("Authorization", f"Bearer {TOKEN}"),
    ("Authorization", f"Bearer {OPAQUE}"),
    ("Authorization", f"Basic {BASIC}"),
    ("Authorization", f"Digest {SECRET}"),
    ("Authorization", SECRET),
    ("Cookie", f"session={OPAQUE}"),
    ("Cookie", f"session={OPAQUE}; session={OPAQUE}"),
    ("Cookie", f'$Version=1; session="{OPAQUE}"'),
    ("X-CSRF-Token", OPAQUE),
    ("Authlab-Secret", SECRET),
    ("Referer", f"http://127.0.0.1/?token={TOKEN}"),
    ("X-Forwarded-For", SECRET),
    ("User-Agent", f"curl/8 {TOKEN}"),
    ("Origin", f"http://{HALF}.example"),
    ("Expect", SECRET),
    ("If-None-Match", f'"{SECRET}"'),
)
MALFORMED = (
    b"Authorization: Bearer %b\0" % TOKEN.encode(),
    b"Authorization : Bearer %b" % TOKEN.encode(),
    b"Cookie: session=%b\x01" % OPAQUE.encode(),
    b"Authorization: Bearer %b\r\n folded" % TOKEN.encode(),
    b"Authorization\x80: Bearer %b" % TOKEN.encode(),
    b"Content-Length: %b" % SECRET.encode(),
    b"Transfer-Encoding: %b" % SECRET.encode(),
    b"%b" % SECRET.encode(),
    b"X: " + SECRET.encode() * 400,
)


@pytest.fixture(scope="module")
def servers(system: System) -> list[ServerProcess]:
    return [
        system.auth(),
        *[resource.process for resource in system.resources()],
        *[system.session(strategy) for strategy in SESSION_STRATEGIES],
    ]


def bodies() -> Iterator[tuple[tuple[str, str], bytes]]:
    for value in (
        {"username": "alice", "password": PASSWORD},
        {"username": "nobody", "password": PASSWORD},
        {"username": SECRET, "password": PASSWORD},
        {"username": "alice", "password": PASSWORD, "more": SECRET},
        {"username": "alice", "password": [PASSWORD]},
        {"password": PASSWORD},
        {"item": 5, "quantity": SECRET},
        [PASSWORD],
    ):
        yield JSON, json.dumps(value).encode()
    yield JSON, f'{{"password": "{PASSWORD}'.encode()
    yield JSON, f'{{"password": "{PASSWORD}\ud800"}}'.encode("utf-8", "surrogatepass")
    for form in (
        f"grant_type=refresh_token&client_id=authlab-web&refresh_token={OPAQUE}",
        f"grant_type=client_credentials&client_id=demo-service&client_secret={SECRET}",
        f"grant_type={SECRET}&client_id={SECRET}&scope={SECRET}&audience={SECRET}",
        f"client_id=demo-resource&client_secret=demo-resource-secret&token={TOKEN}&token_type_hint={SECRET}",
        f"client_id=demo-resource&client_secret=demo-resource-secret&token={OPAQUE}",
        f"client_id=authlab-web&token={TOKEN}",
        f"client_id=authlab-web&token={TOKEN}&token={OPAQUE}",
        f"password={PASSWORD}&%zz={SECRET}",
    ):
        yield FORM, form.encode()
    yield ("Content-Type", f"text/plain; {HALF}"), PASSWORD.encode()


def requests_to(server: ServerProcess) -> Iterator[bytes]:
    """Write requests to every route there is, with something planted in every place that a route looks at."""
    document = call(server.port, "GET", "/openapi.json").json()
    for template, operations in document["paths"].items():
        path = template.replace("{handle}", OPAQUE).replace("{name}", SECRET).replace("{kid}", OPAQUE)
        for method in operations:
            for header in HEADERS:
                yield request_bytes(method.upper(), f"{path}?token={TOKEN}&code={OPAQUE}", [header])
            if method != "get":
                for kind, body in bodies():
                    yield request_bytes(method.upper(), path, [kind], body)
    yield request_bytes("GET", f"/{TOKEN}")
    yield request_bytes("POST", f"/oauth/{OPAQUE}?{SECRET}", [FORM], PASSWORD.encode())


def found_in(text: str) -> list[str]:
    return [secret for secret in PLANTED if secret.lower() in text.lower()]


def test_no_answer_no_log_and_no_metric_holds_a_planted_secret(system: System, servers: list[ServerProcess]) -> None:
    asked = 0
    for server in servers:
        with Wire(server.port) as wire:
            for request in requests_to(server):
                answer = wire.exchange(request)
                asked += 1
                assert [] == found_in(answer.text), (server.name, request, answer)
                assert answer.status < 500
        for line in MALFORMED:
            with Wire(server.port) as wire:
                wire.send(b"GET /me HTTP/1.1\r\nHost: x\r\n" + line + b"\r\n\r\n")
                assert [] == found_in(wire.rest().decode("latin-1")), (server.name, line)
        assert [] == found_in(call(server.port, "GET", "/metrics").text)
    assert asked > 2000
    for name, log in system.logs().items():
        assert [] == found_in(log), name


def test_no_log_holds_a_secret_of_the_system_itself(system: System, servers: list[ServerProcess]) -> None:
    """Whatever the other attacks did before: keys, passwords, client secrets, and what was issued."""
    login, cookie = system.log_in("root"), system.log_in_by_cookie("redis-session", "root")
    call(servers[0].port, "GET", "/logins", [("Authorization", f"Bearer {login['access_token']}")])
    call(system.session("redis-session").port, "POST", "/orders", [*cookie.headers, JSON], b'{"item":"x","quantity":1}')
    secrets = {
        "master": b64(system.master),
        "shared key": b64(system.shared_key()[1]),
        "access token": login["access_token"].split(".")[2],
        "refresh token": login["refresh_token"],
        "cookie": cookie.value,
        "CSRF token": cookie.csrf,
        "client secret": "demo-resource-secret",
    } | DEMO_PASSWORDS
    for name, log in system.logs().items():
        assert [] == [kind for kind, secret in secrets.items() if secret in log], name


def test_no_command_line_holds_a_secret(system: System, servers: list[ServerProcess]) -> None:
    """KEY-09: everybody on a machine can read everybody's command line."""
    for server in servers:
        command = Path(f"/proc/{server.pid}/cmdline")
        if command.exists():
            assert b64(system.master).encode() not in command.read_bytes()
            assert b"secret" not in command.read_bytes().lower()


class NoGuard:
    """A guard for a server on which everything is public."""

    checks = ()

    async def authenticate(self, request: web.Request) -> NoReturn:
        """Never be asked."""
        raise AssertionError(request.path)

    def challenge(self, request: web.Request, refusal: Exception) -> dict[str, str]:
        """Have none."""
        _ = request, refusal
        return {}


@pytest.fixture
def crashing() -> tuple[web.Application, io.StringIO]:
    """Build a server whose handler fails with a secret in the error, the way that libraries write them."""

    async def crash(request: web.Request) -> NoReturn:
        body = await request.text()
        raise RuntimeError(f"cannot parse Authorization: Bearer {TOKEN} from {body!r} of session {OPAQUE}")

    @asynccontextmanager
    async def resources(_app: web.Application) -> AsyncIterator[Guard]:
        yield NoGuard()

    endpoints = [Endpoint("POST", "/crash", crash, PUBLIC, "Fail", {200: None}), *guarded_endpoints("x", "y")]
    service = Service(title="Crashing", endpoints=endpoints, resources=resources, security={})
    return build_app(load(ServerSettings, {"PORT": "1"}), service), io.StringIO()


async def test_an_error_of_ours_tells_the_client_nothing_and_the_log_no_secret(
    crashing: tuple[web.Application, io.StringIO],
) -> None:
    """HTTP-08: a fixed answer with a number to find the traceback by, whose texts pass through the redaction, too."""
    app, sink = crashing
    listening = listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    writer = await asyncio.to_thread(configure_logs, server="x", level="info", log_format="json", sink=sink)
    async with serving(app, listening):
        answer = await asyncio.to_thread(call_json, port, "POST", "/crash", {"x": "y"})
    await asyncio.to_thread(writer.close)
    problem: dict[str, Any] = answer.json()
    assert (500, "internal", "application/problem+json") == (
        answer.status,
        problem["code"],
        answer.header("Content-Type"),
    )
    assert [] == found_in(answer.text)
    lines = [json.loads(line) for line in sink.getvalue().splitlines()]
    (crashed,) = [line for line in lines if line["event"] == "request.crashed"]
    assert answer.header("X-Request-Id") == crashed["request_id"]
    assert "RuntimeError" in crashed["exception"]
    assert [] == found_in(sink.getvalue())
