"""Guessing passwords: at one account from many addresses, at many from one, and from everywhere (PWD-05 to PWD-07)."""

import asyncio
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from core.errors import Throttled
from core.redis_keys import throttle
from core.redis_link import open_redis
from core.throttle import MAX_FAILURES, LocalThrottle, SharedThrottle, address_prefix, wait_s
from lab.processes import ServerProcess
from tests.attacks.system import DEMO_PASSWORDS, Resource, System
from tests.attacks.verdicts import assert_accepted
from tests.attacks.wire import Answer, Headers, Wire, call, call_json

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8 as addresses")
PER_ACCOUNT, PER_ADDRESS, OVERALL = 3, 20, 60
LIMITS = {
    "LOGIN_RATE_PER_ACCOUNT": str(PER_ACCOUNT),
    "LOGIN_RATE_PER_ADDRESS": str(PER_ADDRESS),
    "LOGIN_RATE_OVERALL": str(OVERALL),
}


@pytest.fixture(scope="module")
def guessed_at(own_system: System) -> list[ServerProcess]:
    """Start a server of each side with low limits; they count together."""
    auth = own_system.auth_settings("auth-HS256", own_system.auth().port) | LIMITS
    session = own_system.session_settings("redis-session") | LIMITS
    servers = [
        own_system.start("guessed-auth", "auth_server", auth),
        own_system.start("guessed-session", "session_server", session),
    ]
    for server in servers:
        server.wait_ready(60)
    return servers


@pytest.fixture(autouse=True)
def nothing_counted(request: pytest.FixtureRequest) -> None:
    """Begin each test that has the servers without failures."""
    if "guessed_at" in request.fixturenames:
        system: System = request.getfixturevalue("own_system")
        with Redis.from_url(system.redis_auth.url) as redis:
            for name in redis.scan_iter(throttle("*", "*")):
                redis.delete(name)


def guess(
    server: ServerProcess, username: str, password: str | None = None, source: str = "127.0.0.1", headers: Headers = ()
) -> Answer:
    credentials = {"username": username, "password": password or "not-the-password"}
    return call_json(server.port, "POST", "/login", credentials, headers, source=source)


@linux
def test_one_account_from_many_addresses_is_slowed(guessed_at: list[ServerProcess]) -> None:
    answers = [guess(guessed_at[number % 2], "alice", source=f"127.0.2.{number + 1}") for number in range(30)]
    assert [401] * PER_ACCOUNT + [429] * (30 - PER_ACCOUNT) == [answer.status for answer in answers]
    for answer in answers[PER_ACCOUNT:]:
        assert "throttled" == answer.json()["code"]
        assert 1 <= int(str(answer.header("Retry-After"))) <= 60


@linux
def test_many_accounts_from_one_address_are_slowed_and_other_addresses_are_not(guessed_at: list[ServerProcess]) -> None:
    statuses = [guess(guessed_at[0], f"user-{number}", source="127.0.3.1").status for number in range(PER_ADDRESS + 5)]
    assert [401] * PER_ADDRESS + [429] * 5 == statuses
    assert 429 == guess(guessed_at[1], "bob", DEMO_PASSWORDS["bob"], source="127.0.3.1").status
    assert 200 == guess(guessed_at[1], "bob", DEMO_PASSWORDS["bob"], source="127.0.3.2").status


@linux
def test_a_forwarded_address_is_not_believed(guessed_at: list[ServerProcess]) -> None:
    """PWD-07: whoever could name their own address would have as many as they like, or frame somebody else."""
    for number in range(PER_ADDRESS):
        forged = [
            ("X-Forwarded-For", f"10.0.0.{number}"),
            ("Forwarded", f"for=10.0.0.{number}"),
            ("X-Real-IP", "127.0.4.2"),
        ]
        assert 401 == guess(guessed_at[0], f"someone-{number}", source="127.0.4.1", headers=forged).status
    for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP", "CF-Connecting-IP", "X-Client-IP"):
        assert 429 == guess(guessed_at[0], "someone", source="127.0.4.1", headers=[(name, "127.0.4.9")]).status
    assert 401 == guess(guessed_at[0], "someone", source="127.0.4.2").status


@linux
def test_while_guesses_come_from_everywhere_each_account_gets_one_and_nobody_is_shut_out(
    guessed_at: list[ServerProcess],
) -> None:
    for number in range(OVERALL):
        assert 401 == guess(guessed_at[number % 2], f"person-{number}", source=f"127.0.5.{number % 30 + 1}").status
    assert [401, 429] == [guess(guessed_at[0], "another-person", source="127.0.6.1").status for _ in range(2)]
    assert 200 == guess(guessed_at[0], "bob", DEMO_PASSWORDS["bob"], source="127.0.6.1").status


def test_the_right_password_waits_as_well_and_then_works_and_resets(guessed_at: list[ServerProcess]) -> None:
    """Or the answer to a throttled guess would tell whether it was right. Never a lasting lockout."""
    server = guessed_at[0]
    for _ in range(PER_ACCOUNT):
        assert 401 == guess(server, "alice").status
    refused = guess(server, "alice", DEMO_PASSWORDS["alice"])
    assert 429 == refused.status
    time.sleep(int(str(refused.header("Retry-After"))))
    assert 200 == guess(server, "alice", DEMO_PASSWORDS["alice"]).status
    assert [401] * PER_ACCOUNT == [guess(server, "alice").status for _ in range(PER_ACCOUNT)]


def test_a_victim_who_is_signed_in_is_not_disturbed(own_system: System, guessed_at: list[ServerProcess]) -> None:
    tokens, cookie = own_system.log_in("alice"), own_system.log_in_by_cookie("redis-session", "alice")
    for _ in range(10):
        guess(guessed_at[0], "alice")
        guess(guessed_at[1], "alice")
    assert 429 == guess(guessed_at[0], "alice", DEMO_PASSWORDS["alice"]).status
    resource = own_system.resource("denylisted-jwt")
    resource.process.wait_ready(60)
    assert_accepted([Resource(resource.name, resource.strategy, resource.process)], tokens["access_token"], "alice")
    assert 200 == call(own_system.session("redis-session").port, "GET", "/me", [cookie.header]).status
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    body = f"grant_type=refresh_token&client_id=authlab-web&refresh_token={tokens['refresh_token']}".encode()
    assert 200 == call(own_system.auth().port, "POST", "/oauth/token", form, body).status


def test_a_burst_of_parallel_guesses_is_no_way_around(guessed_at: list[ServerProcess]) -> None:
    """What is in flight at once is bounded by the hashing queue; all of it together stays below the standard's 100."""
    with ThreadPoolExecutor(48) as pool:
        statuses = [answer.status for answer in pool.map(lambda _: guess(guessed_at[0], "alice"), range(200))]
    assert {401, 429} <= set(statuses) <= {401, 429, 503}
    assert statuses.count(401) < MAX_FAILURES
    assert 429 == guess(guessed_at[1], "alice", DEMO_PASSWORDS["alice"]).status


def test_what_is_typed_as_a_name_is_not_stored(own_system: System, guessed_at: list[ServerProcess]) -> None:
    """People type their password into the wrong field."""
    guess(guessed_at[0], "canary-typed-as-a-name")
    with Redis.from_url(own_system.redis_auth.url) as redis:
        names = [name.decode() for name in redis.scan_iter(throttle("*", "*"))]
    assert names
    assert not [name for name in names if "canary" in name]


def test_the_waits_grow_to_a_minute_and_end() -> None:
    waits = [wait_s(failures, 10) for failures in range(MAX_FAILURES + 1)]
    assert [0.0] * 10 == waits[:10]
    assert [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0] == waits[10:18]
    assert 3600.0 == waits[MAX_FAILURES]
    assert waits == sorted(waits)


async def test_after_a_hundred_failures_an_account_rests_for_an_hour_and_is_free_again() -> None:
    """NIST SP 800-63B-4 §3.2.2: at most 100 consecutive failures."""
    now = 0.0
    local = LocalThrottle(per_account=10, per_address=10**9, overall=10**9, monotonic=lambda: now)
    attempts = 0
    while now < 3 * 3600:
        now += 5
        try:
            await local.admit("alice", "192.0.2.1")
        except Throttled:
            continue
        attempts += 1
        await local.failed("alice", "192.0.2.1")
    assert MAX_FAILURES <= attempts <= MAX_FAILURES + 60
    now += 3601
    await local.admit("alice", "192.0.2.1")


def test_an_ipv6_network_is_one_source() -> None:
    """Everybody has 2**64 addresses."""
    assert address_prefix("2001:db8:1:2:3:4:5:6") == address_prefix("2001:db8:1:2:ffff::1") == "2001:db8:1:2::"
    assert address_prefix("2001:db8:1:2::1") != address_prefix("2001:db8:1:3::1")
    assert address_prefix("192.0.2.1") != address_prefix("192.0.2.2")


def test_without_its_store_a_server_still_counts(own_system: System) -> None:
    """PWD-06: never unlimited."""
    settings = own_system.auth_settings("storeless", own_system.auth().port) | LIMITS | {"AUTH_REDIS_URL": ""}
    server = own_system.start("storeless", "auth_server", settings)
    server.wait_ready(60)
    assert [401] * PER_ACCOUNT + [429] * 5 == [guess(server, "alice").status for _ in range(PER_ACCOUNT + 5)]
    assert 200 == guess(server, "bob", DEMO_PASSWORDS["bob"]).status


def test_with_its_store_paused_nobody_is_let_in_and_nothing_is_unlimited(own_system: System) -> None:
    settings = own_system.session_settings("memory-session") | LIMITS
    server = own_system.start("paused", "session_server", settings)
    server.wait_ready(60)
    assert 401 == guess(server, "carla").status
    own_system.redis_auth.pause()
    try:
        answers = [guess(server, "alice", DEMO_PASSWORDS["alice"]) for _ in range(30)]
    finally:
        own_system.redis_auth.resume()
    assert {answer.status for answer in answers} <= {429, 503}
    assert all(answer.header("Retry-After") for answer in answers)


async def test_a_right_guess_in_a_burst_of_too_many_does_not_count(redis_url: str) -> None:
    """All are admitted before the first has failed; the hundred failures that are known by then decide."""
    async with open_redis(redis_url) as link:
        local = LocalThrottle(per_account=10, per_address=10**9)
        shared = SharedThrottle(
            link, LocalThrottle(per_account=10, per_address=10**9), per_account=10, per_address=10**9
        )
        for throttle_at_work in (local, shared):
            await throttle_at_work.admit("alice", "192.0.2.1")
            for _ in range(MAX_FAILURES):
                await throttle_at_work.failed("alice", "192.0.2.1")
            with pytest.raises(Throttled):
                await throttle_at_work.succeeded("alice")


async def test_a_flood_of_logins_leaves_everything_else_alone(own_system: System) -> None:
    """PWD-02: hashes run in threads of their own; the event loop answers beside them."""
    settings = own_system.session_settings("redis-session") | {
        "LOGIN_HASH_MEMORY_KIB": "19456",
        "LOGIN_RATE_PER_ACCOUNT": "1000000",
    }
    server = await asyncio.to_thread(own_system.start, "flooded", "session_server", settings)
    await asyncio.to_thread(server.wait_ready, 60)
    flood = [asyncio.create_task(asyncio.to_thread(guess, server, f"flood-{number}")) for number in range(60)]
    took = []

    def ask() -> float:
        with Wire(server.port) as wire:
            began = time.monotonic()
            assert 200 == wire.exchange(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").status
            return time.monotonic() - began

    while not all(task.done() for task in flood):
        took.append(await asyncio.to_thread(ask))
    answers = await asyncio.gather(*flood)
    assert {answer.status for answer in answers} <= {401, 503}
    assert all(answer.header("Retry-After") for answer in answers if answer.status == 503)
    assert sorted(took)[len(took) // 2] < 0.25
