import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from core import frame
from core.answers import Answer, json_answer
from core.authorization import PUBLIC, SIGNED_IN, Policy, authorize, needs
from core.endpoint import Endpoint
from core.errors import Forbidden, NotFound, Refusal, Rejected, Unavailable
from core.frame import SUBJECT, Guard
from core.service import NOT_READY, Service, build_app
from core.settings import ServerSettings
from core.subject import Subject
from tests.support.caller import Answer as Received
from tests.support.patience import until
from tests.support.servers import Server, Servers

ALICE = Subject("issuer", "alice", "Alice", ("user",), ("orders:read",), 0.0)
SECRET_IN_A_TRACEBACK = "the-secret-in-a-traceback"


class HeaderGuard:
    """Recognises alice by a header, as long as one is sent."""

    checks = ("first", "second", "third")

    async def authenticate(self, request: web.Request) -> Subject:
        """Return alice, or what the header asks for."""
        match request.headers.get("Authorization"):
            case "good":
                return ALICE
            case "away":
                raise Unavailable("store", retry_after_s=2.0)
            case None | _:
                raise Rejected("second")

    def challenge(self, _request: web.Request, refusal: Refusal, /) -> Mapping[str, str]:
        """Return a header of its own."""
        return {"WWW-Authenticate": type(refusal).__name__}


@asynccontextmanager
async def with_guard(_app: web.Application) -> AsyncIterator[Guard]:
    yield HeaderGuard()


async def me(request: web.Request) -> Answer:
    return json_answer({"sub": request[SUBJECT].id})


async def crash(_request: web.Request) -> Answer:
    raise ZeroDivisionError(SECRET_IN_A_TRACEBACK)


async def missing(_request: web.Request) -> Answer:
    raise NotFound("thing", "No such thing.")


class Gate:
    """A handler that waits until it is let go on, and counts who waits."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.inside = 0

    async def wait(self, _request: web.Request) -> Answer:
        """Wait."""
        self.inside += 1
        await self.opened.wait()
        return json_answer({})


async def start(servers: Servers, gate: Gate | None = None, **settings: Any) -> Server:
    endpoints = [
        Endpoint("GET", "/me", me, SIGNED_IN, "Me"),
        Endpoint("GET", "/admin", me, needs(role="admin"), "Admin"),
        Endpoint("GET", "/read", me, needs(scope="orders:read"), "Read"),
        Endpoint("GET", "/write", me, needs(scope="orders:write"), "Write"),
        Endpoint("GET", "/crash", crash, PUBLIC, "Crash"),
        Endpoint("GET", "/guarded-crash", crash, SIGNED_IN, "Crash"),
        Endpoint("GET", "/missing", missing, PUBLIC, "Missing"),
        Endpoint("GET", "/gate", (gate or Gate()).wait, PUBLIC, "Gate"),
    ]
    service = Service("A test", endpoints, with_guard, {}, headers={"X-Extra": "always"})
    return await servers.serve(build_app(ServerSettings(port=0, **settings), service))


@pytest.fixture
async def server(servers: Servers) -> Server:
    return await start(servers)


async def as_alice(server: Server, path: str, **headers: str) -> Received:
    return await server.get(path, headers={"Authorization": "good", **headers})


async def test_the_handler_sees_the_subject(server: Server) -> None:
    assert {"sub": "alice"} == (await as_alice(server, "/me")).json


async def test_deny_is_the_default(server: Server) -> None:
    statuses = {path: (await as_alice(server, path)).status for path in ("/me", "/read", "/write", "/admin")}
    assert {"/me": 200, "/read": 200, "/write": 403, "/admin": 403} == statuses


async def test_a_refusal_carries_the_guards_challenge(server: Server) -> None:
    refused = await server.get("/me")
    assert (401, "Rejected") == (refused.status, refused.headers["WWW-Authenticate"])
    forbidden = await as_alice(server, "/admin")
    assert (403, "Forbidden") == (forbidden.status, forbidden.headers["WWW-Authenticate"])


async def test_what_cannot_be_decided_is_503_and_never_401(server: Server) -> None:
    answer = await server.get("/me", headers={"Authorization": "away"})
    assert (503, "unavailable", "2") == (answer.status, answer.code, answer.headers["Retry-After"])


async def test_a_crash_is_a_clean_500_and_its_traceback_stays_in_the_log(server: Server, logged: list[Any]) -> None:
    for path in ("/crash", "/guarded-crash"):
        answer = await as_alice(server, path)
        assert (500, "internal") == (answer.status, answer.code)
        assert [] == [
            word
            for word in (SECRET_IN_A_TRACEBACK, "Traceback", "ZeroDivisionError", "test_frame")
            if word in str(answer)
        ]
    crashes = [event for event in logged if event["event"] == "request.crashed"]
    assert ["/crash", "/guarded-crash"] == [event["route"] for event in crashes]
    assert all(event["exc_info"] for event in crashes)


async def test_the_log_names_the_request_id_of_every_refusal(server: Server, logged: list[Any]) -> None:
    for path in ("/crash", "/missing", "/me", "/nowhere"):
        answer = await server.get(path)
        events = [event for event in logged if event.get("request_id") == answer.headers["X-Request-Id"]]
        expected = ["request.crashed", "request.refused"] if path == "/crash" else ["request.refused"]
        assert expected == [event["event"] for event in events]
        assert answer.status == events[-1]["status"]


async def test_a_success_costs_no_log_line(server: Server, logged: list[Any]) -> None:
    await as_alice(server, "/me")
    assert [] == [event for event in logged if "request" in event["event"]]


async def test_extra_headers_are_on_every_answer(server: Server) -> None:
    for path in ("/me", "/crash", "/missing", "/nowhere", "/livez"):
        assert "always" == (await server.get(path)).headers["X-Extra"]


async def test_requests_are_counted_by_route_not_by_path(server: Server) -> None:
    for path in itertools.chain(["/me"] * 3, (f"/made-up-{number}" for number in range(50))):
        await server.get(path)
    text = (await server.get("/metrics")).body.decode()
    assert 'authlab_requests_total{method="GET",route="/me",status="401"} 3.0' in text
    assert 'authlab_refusals_total{reason="second"} 3.0' in text
    assert "made-up" not in text, "a label for each path that somebody makes up would fill the memory"


async def test_beyond_a_bound_requests_are_shed_at_once_and_it_recovers(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame, "MAX_IN_FLIGHT", 10)
    gate = Gate()
    server = await start(servers, gate)
    waiting = [asyncio.create_task(server.get("/gate")) for _ in range(10)]
    await until(lambda: gate.inside == 10)
    shed = await asyncio.gather(*(server.get("/me") for _ in range(20)))
    assert {(503, "unavailable")} == {(answer.status, answer.code) for answer in shed}
    assert all(int(answer.headers["Retry-After"]) >= 1 for answer in shed)
    gate.opened.set()
    assert {200} == {answer.status for answer in await asyncio.gather(*waiting)}
    assert 200 == (await as_alice(server, "/me")).status


async def test_a_client_that_goes_away_is_not_counted_for_ever(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame, "MAX_IN_FLIGHT", 5)
    gate = Gate()
    server = await start(servers, gate)
    for _ in range(4):
        _, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
        writer.write(b"GET /gate HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(0.01)
        writer.transport.abort()
    gate.opened.set()
    await asyncio.sleep(0.05)
    assert [200] * 20 == [(await as_alice(server, "/me")).status for _ in range(20)]


async def test_timing_is_told_where_it_is_asked_for(servers: Servers, server: Server) -> None:
    timed = await start(servers, server_timing=True)
    header = (await as_alice(timed, "/me")).headers["Server-Timing"]
    assert header.startswith("verify;dur=")
    assert ", lookup;dur=0.000" in header
    assert "Server-Timing" not in (await as_alice(server, "/me")).headers
    assert "Server-Timing" in (await timed.get("/me")).headers, "a refusal took its time, too"


async def test_checks_are_told_to_the_lab_alone(servers: Servers) -> None:
    lab = await start(servers, authlab_demo=True, lab_secret="the-lab-secret")

    async def told(path: str, secret: str | None, credential: str = "good") -> str | None:
        headers = {"Authorization": credential} | ({} if secret is None else {"Authlab-Secret": secret})
        checks: str | None = (await lab.get(path, headers=headers)).headers.get("Authlab-Checks")
        return checks

    assert "first;ok, second;ok, third;ok" == await told("/me", "the-lab-secret")
    assert "first;ok, second;fail" == await told("/me", "the-lab-secret", "bad")
    assert "role;fail" == await told("/admin", "the-lab-secret")
    assert "store;fail" == await told("/me", "the-lab-secret", "away")
    for wrong in (None, "", "the-lab-secre", "the-lab-secret-", "ünïcode"):
        assert await told("/me", wrong) is None
    serious = await start(servers, authlab_demo=False, lab_secret="the-lab-secret")
    answer = await as_alice(serious, "/me", **{"Authlab-Secret": "the-lab-secret"})
    assert "Authlab-Checks" not in answer.headers


async def test_readiness_is_what_its_parts_say(server: Server) -> None:
    assert 200 == (await server.get("/readyz")).status
    server.app[NOT_READY].append(lambda: "no keys")
    answer = await server.get("/readyz")
    assert (503, "unavailable", "Not ready: no keys.") == (answer.status, answer.code, answer.json["detail"])
    assert 200 == (await server.get("/livez")).status


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        (Policy(), True),
        (needs(scope="orders:read"), True),
        (needs(scope="orders:rea"), False),
        (needs(scope="orders:read orders:write"), False),
        (needs(scope=""), False),
        (needs(role="user"), True),
        (needs(role="admin"), False),
        (needs(scope="orders:read", role="user"), True),
        (needs(scope="orders:read", role="admin"), False),
        (needs(scope="orders:write", role="user"), False),
    ],
)
def test_a_policy_is_held_to_as_a_whole(policy: Policy, *, allowed: bool) -> None:
    if allowed:
        authorize(ALICE, policy)
    else:
        with pytest.raises(Forbidden):
            authorize(ALICE, policy)
