"""What both login endpoints share: nobody learns from an answer who has an account."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

import pytest

from lab.processes import RedisProcess
from tests.support.caller import Answer
from tests.support.servers import Server, Servers

Start = Callable[..., Awaitable[Server]]


@pytest.fixture(params=["auth", "session"])
def start(request: pytest.FixtureRequest, servers: Servers, redis_url: str) -> Start:
    """Start a server of either side with its accounts in Redis."""

    async def start(url: str = redis_url, **more: str) -> Server:
        if request.param == "auth":
            return await servers.auth(url, **more)
        return await servers.session("redis-session", redis_url, SESSION_ACCOUNTS_REDIS_URL=url, **more)

    return start


async def attempt(server: Server, username: str, password: str) -> Answer:
    return await server.post("/login", body={"username": username, "password": password})


def seen(answer: Answer) -> tuple[int, bytes, dict[str, str]]:
    """Return what a guesser sees, but for the number and the time that every answer has of its own."""
    own = {"x-request-id", "date"}
    headers = {name.lower(): value for name, value in answer.headers.items() if name.lower() not in own}
    return answer.status, answer.body, headers


async def test_a_right_pair_logs_in(start: Start) -> None:
    assert 200 == (await (await start()).login()).status


async def test_every_wrong_pair_gets_the_same_bytes(start: Start) -> None:
    server = await start()
    answers = [
        seen(await attempt(server, username, password))
        for username, password in [
            ("alice", "wrong"),
            ("nobody", "wrong"),
            ("alice", "bob-demo-password"),
            ("ALICE", "alice-demo-password"),
            ("alice ", "alice-demo-password"),
            ("nobody", "alice-demo-password"),
            ("x" * 64, "y" * 1024),
        ]
    ]
    assert [answers[0]] * len(answers) == answers
    status, body, headers = answers[0]
    assert (401, "bad_credentials") == (status, json.loads(body)["code"])
    assert "set-cookie" not in headers


async def test_a_disabled_account_looks_like_a_wrong_password(servers: Servers, redis_url: str) -> None:
    auth = await servers.auth(redis_url)
    session = await servers.session("redis-session", redis_url, SESSION_ACCOUNTS_REDIS_URL=redis_url)
    admin = (await auth.login("root")).json["access_token"]
    assert 200 == (await auth.post("/admin/accounts/bob/disable", token=admin)).status
    for server in (auth, session):
        assert seen(await attempt(server, "bob", "wrong")) == seen(await server.login("bob"))
    assert 200 == (await auth.post("/admin/accounts/bob/enable", token=admin)).status
    for server in (auth, session):
        assert 200 == (await server.login("bob")).status


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "alice"},
        {"password": "alice-demo-password"},
        {"username": "", "password": "x"},
        {"username": "alice", "password": ""},
        {"username": "x" * 65, "password": "x"},
        {"username": "alice", "password": "x" * 1025},
        {"username": ["alice"], "password": "x"},
        {"username": "alice", "password": None},
        {"username": "alice", "password": "alice-demo-password", "admin": True},
    ],
    ids=lambda body: ",".join(f"{name}:{str(value)[:8]}" for name, value in body.items()),
)
async def test_a_malformed_login_is_a_bad_request(start: Start, body: Any) -> None:
    answer = await (await start()).post("/login", body=body)
    assert (400, "bad_request") == (answer.status, answer.code)
    assert "alice-demo-password" not in answer.body.decode()


async def test_a_password_of_a_megabyte_is_refused_unread(start: Start) -> None:
    server = await start()
    started = perf_counter()
    answer = await attempt(server, "alice", "x" * 1_000_000)
    assert 413 == answer.status
    assert perf_counter() - started < 1


async def test_the_answer_to_a_login_is_never_cached(start: Start) -> None:
    server = await start()
    for answer in (await server.login(), await attempt(server, "alice", "wrong")):
        assert "no-store" == answer.headers["Cache-Control"]


async def test_guessing_is_slowed_down_and_a_right_login_resets_it(start: Start) -> None:
    server = await start(LOGIN_RATE_PER_ACCOUNT="3")
    for _ in range(3):
        assert 401 == (await attempt(server, "alice", "wrong")).status
    answer = await server.login()
    assert (429, "throttled") == (answer.status, answer.code)
    assert 1 <= int(answer.headers["Retry-After"]) <= 2
    assert 200 == (await server.login("bob")).status, "somebody else's guesses are not bob's trouble"
    await asyncio.sleep(1.05)
    assert 200 == (await server.login()).status
    assert 401 == (await attempt(server, "alice", "wrong")).status


async def test_an_unknown_account_is_slowed_down_alike(start: Start) -> None:
    server = await start(LOGIN_RATE_PER_ACCOUNT="3")
    for name in ("alice", "nobody"):
        for _ in range(3):
            await attempt(server, name, "wrong")
    throttled = [seen(await attempt(server, name, "wrong")) for name in ("alice", "nobody")]
    assert 429 == throttled[0][0]
    assert throttled[0] == throttled[1]


async def test_an_address_in_a_header_is_not_believed(start: Start) -> None:
    server = await start(LOGIN_RATE_PER_ADDRESS="3", LOGIN_RATE_OVERALL="3")
    statuses = [
        (
            await server.post(
                "/login",
                body={"username": f"user-{number}", "password": "x"},
                headers={"X-Forwarded-For": f"10.0.0.{number}", "Forwarded": f"for=10.0.0.{number}"},
            )
        ).status
        for number in range(5)
    ]
    assert [401, 401, 401, 429, 429] == statuses


async def test_a_store_that_is_away_is_no_wrong_password(start: Start, own_redis: RedisProcess) -> None:
    server = await start(own_redis.url)
    assert 200 == (await server.login()).status
    own_redis.pause()
    for username, password in (("alice", "alice-demo-password"), ("nobody", "x")):
        started = perf_counter()
        answer = await attempt(server, username, password)
        assert (503, "unavailable") == (answer.status, answer.code)
        assert int(answer.headers["Retry-After"]) >= 1
        assert perf_counter() - started < 0.3
    own_redis.resume()


async def test_passwords_are_never_logged(start: Start, logged: list[Any]) -> None:
    server = await start()
    await server.login()
    await attempt(server, "alice", "a-wrong-password")
    await attempt(server, "a-password-as-name", "x")
    assert {"login.succeeded", "login.failed"} <= {event["event"] for event in logged}
    text = json.dumps(logged, default=str)
    assert [] == [
        secret for secret in ("alice-demo-password", "a-wrong-password", "a-password-as-name") if secret in text
    ]
