"""Every strategy is held to its promise, by measurement: what it asks, when it hears, what it does without a store."""

import asyncio
from time import monotonic

import pytest
from redis.asyncio import Redis

from lab.processes import RedisProcess
from tests.contract.stage import ALL, STALE_S, Stage, promise_of, set_up
from tests.support.caller import set_cookie
from tests.support.servers import Servers

_REQUESTS = 200
_HEARTBEATS_PER_REQUEST = 0.1
"""Feeds and housekeeping ask about once a second; spread over the requests of a measurement that is less than this."""
_FAIL_FAST_S = 0.3


@pytest.fixture
async def own_client(own_redis: RedisProcess) -> Redis:
    return Redis.from_url(own_redis.url, driver_info=None)


@pytest.mark.parametrize("strategy", ALL)
async def test_it_asks_as_often_as_it_promises(strategy: str, servers: Servers, redis: Redis, redis_url: str) -> None:
    """`lookups_per_request` is the slope over requests with one in flight, one credential used many times."""
    stage = await set_up(strategy, servers, redis_url, redis)
    for server in stage.servers:
        assert 200 == (await stage.ask(server)).status
    before = await stage.lookups()
    for number in range(_REQUESTS):
        assert 200 == (await stage.ask(stage.servers[number % len(stage.servers)])).status
    slope = (await stage.lookups() - before) / _REQUESTS
    assert slope == pytest.approx(promise_of(strategy).lookups_per_request, abs=_HEARTBEATS_PER_REQUEST)


@pytest.mark.parametrize("strategy", [name for name in ALL if promise_of(name).revoked_within is not None])
async def test_a_logout_is_heard_of_in_the_time_promised(
    strategy: str, servers: Servers, redis: Redis, redis_url: str
) -> None:
    bound = promise_of(strategy).revoked_within
    assert bound is not None
    stage = await set_up(strategy, servers, redis_url, redis)
    for server in stage.servers:
        assert 200 == (await stage.ask(server)).status
    assert 204 == (await stage.log_out()).status
    for server in stage.servers:
        if not bound:
            assert 401 == (await stage.ask(server)).status, "the very next request is refused"
        else:
            assert await stage.seconds_until_refused(server, bound.total_seconds()) <= bound.total_seconds()
    for server in stage.servers:
        assert 401 == (await stage.ask(server)).status, "and it stays refused"


@pytest.mark.parametrize("strategy", [name for name in ALL if promise_of(name).revoked_within is None])
async def test_what_cannot_be_taken_back_works_until_it_expires(
    strategy: str, servers: Servers, redis: Redis, redis_url: str
) -> None:
    life_s = 3
    stage = await set_up(strategy, servers, redis_url, redis, AUTH_ACCESS_TTL_S=str(life_s))
    assert 204 == (await stage.log_out()).status
    for server in stage.servers:
        assert 200 == (await stage.ask(server)).status, "nobody tells a plain JWT's verifier of a logout"
    for server in stage.servers:
        assert await stage.seconds_until_refused(server, life_s + 1) <= life_s


@pytest.mark.parametrize("trouble", ["stopped", "paused"])
@pytest.mark.parametrize("strategy", ALL)
async def test_without_its_store_it_does_what_it_promises(
    strategy: str, trouble: str, servers: Servers, own_redis: RedisProcess, own_client: Redis
) -> None:
    """Never a 401 for a good credential, and never a 200 beyond the bound; refusals come fast."""
    stage = await set_up(strategy, servers, own_redis.url, own_client)
    for server in stage.servers:
        assert 200 == (await stage.ask(server)).status
    await own_client.aclose()
    await asyncio.to_thread(own_redis.stop if trouble == "stopped" else own_redis.pause)
    try:
        match promise_of(strategy).without_its_store:
            case "unaffected":
                for server in stage.servers:
                    assert 200 == (await stage.ask(server)).status
            case "refuses":
                await _all_refuse_fast(stage)
            case "serves for a bounded time":
                started = monotonic()
                while (status := (await stage.ask(stage.servers[0])).status) == 200:
                    assert monotonic() - started < STALE_S + _FAIL_FAST_S, "it still serves, past its bound"
                    await asyncio.sleep(0.01)
                assert 503 == status
                await asyncio.sleep(STALE_S)
                await _all_refuse_fast(stage)
    finally:
        if trouble == "paused":
            own_redis.resume()


async def _all_refuse_fast(stage: Stage) -> None:
    for server in stage.servers:
        started = monotonic()
        answer = await stage.ask(server)
        assert (503, "unavailable") == (answer.status, answer.code)
        assert int(answer.headers["Retry-After"]) >= 1
        if stage.strategy != "introspected-token":
            assert monotonic() - started < _FAIL_FAST_S, "a store that is away is found out fast"


async def test_the_textbook_session_is_unknown_to_the_second_server(servers: Servers) -> None:
    first, second = [await servers.session("memory-session") for _ in range(2)]
    cookie = set_cookie(await first.login())
    assert 200 == (await first.get("/me", cookie=cookie)).status
    assert 401 == (await second.get("/me", cookie=cookie)).status
