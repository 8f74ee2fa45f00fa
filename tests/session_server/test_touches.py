"""Using a session keeps it alive, seldom, and never brings back one that has ended (SES-18)."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from core import redis_keys
from core.accounts import Account
from core.redis_link import RedisLink, open_redis
from session_server.session import new_session, new_session_id
from session_server.session_api import STATE
from session_server.strategies.redis_session import RedisSessions
from session_server.touches import Touches
from tests.session_server.visitor import log_in, status_of
from tests.support.clock import Clock
from tests.support.servers import Servers
from tests.support.stores import commands_during, commands_so_far

IDLE_S = 1000.0
BEGAN = 1_800_000_000.0
ALICE = Account("alice", "Alice", "", ("user",), ())
_RACES = 15


@pytest.fixture
async def link(redis_url: str) -> AsyncIterator[RedisLink]:
    async with open_redis(redis_url) as link:
        yield link


@pytest.fixture
def clock() -> Clock:
    return Clock(0.0)


@pytest.fixture
def touches(link: RedisLink, clock: Clock) -> Touches:
    return Touches(link, idle_s=IDLE_S, absolute_s=1e6, clock=lambda: BEGAN + clock(), monotonic=clock)


async def test_a_thousand_uses_are_one_write(touches: Touches, redis: Redis, clock: Clock) -> None:
    id_hash = redis_keys.hashed(new_session_id())
    await redis.set(redis_keys.session(id_hash), "session", px=5000)
    await redis.zadd(redis_keys.sessions("alice"), {id_hash: 1})
    before = await commands_so_far(redis)
    clock.move(IDLE_S / 2)
    for _ in range(1000):
        touches.used(id_hash, "alice", BEGAN)
    await touches.close()
    commands = await commands_during(redis, before)
    assert (1, 1) == (commands["pexpire"], commands["zadd"])
    assert IDLE_S * 1000 - 5000 < await redis.pttl(redis_keys.session(id_hash)) <= IDLE_S * 1000
    assert (BEGAN + IDLE_S / 2) * 1000 == await redis.zscore(redis_keys.sessions("alice"), id_hash)


@pytest.mark.parametrize(("seconds", "writes"), [(59.9, 0), (60.1, 1)])
async def test_there_is_a_minute_at_least_between_two_writes(
    seconds: float, writes: int, touches: Touches, redis: Redis, clock: Clock
) -> None:
    id_hash = redis_keys.hashed(new_session_id())
    clock.move(IDLE_S / 2)
    touches.used(id_hash, "alice", BEGAN)
    await touches.close()
    before = await commands_so_far(redis)
    clock.move(seconds)
    touches.used(id_hash, "alice", BEGAN)
    await touches.close()
    assert writes == (await commands_during(redis, before)).get("pexpire", 0)


async def test_a_session_that_has_just_begun_is_not_written(touches: Touches, redis: Redis, clock: Clock) -> None:
    before = await commands_so_far(redis)
    clock.move(59.9)
    touches.used(redis_keys.hashed(new_session_id()), "alice", BEGAN)
    await touches.close()
    assert {} == await commands_during(redis, before)


async def test_many_sessions_of_one_moment_are_one_round_trip(
    touches: Touches, link: RedisLink, redis: Redis, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = [redis_keys.hashed(new_session_id()) for _ in range(200)]
    for id_hash in hashes:
        await redis.set(redis_keys.session(id_hash), "session", px=5000)
    round_trips = 0
    call = link.call

    async def counted(send: Callable[[Redis], Awaitable[Any]]) -> Any:
        nonlocal round_trips
        round_trips += 1
        return await call(send)

    monkeypatch.setattr(link, "call", counted)
    clock.move(IDLE_S)
    for id_hash in hashes:
        touches.used(id_hash, "alice", BEGAN)
    await touches.close()
    assert 1 == round_trips
    assert all([await redis.pttl(redis_keys.session(id_hash)) > 5000 for id_hash in hashes])


async def test_a_touch_never_brings_a_session_back(servers: Servers, redis: Redis, redis_url: str) -> None:
    """However a write and an end race: what has ended has no key and no place in the index."""
    server = await servers.session("redis-session", redis_url)
    sessions = server.app[STATE].sessions
    assert isinstance(sessions, RedisSessions)
    sessions.touches._throttle_s = 0.0

    async def end(id_hash: str) -> None:
        await asyncio.sleep(random.uniform(0.03, 0.08))  # a touch flies 50 ms after the first use
        await sessions.end("alice", id_hash)

    for _ in range(_RACES):
        hashes = [redis_keys.hashed(new_session_id()) for _ in range(20)]
        began_at = await sessions.now()
        for id_hash in hashes:
            session = new_session(ALICE, began_at=began_at, user_agent="")
            assert await sessions.create(id_hash, session, replaces=None)
        for id_hash in hashes:
            sessions.touches.used(id_hash, "alice", began_at)
        await asyncio.gather(*map(end, hashes))
        await sessions.touches.close()
        assert [] == [key async for key in redis.scan_iter(f"{redis_keys.SESSION_PREFIX}*", count=1000)]
        assert 0 == await redis.zcard(redis_keys.sessions("alice"))


async def test_a_use_after_the_end_changes_nothing(servers: Servers, redis: Redis, redis_url: str) -> None:
    first, second = [await servers.session("redis-session", redis_url) for _ in range(2)]
    visitor = await log_in(first)
    id_hash = redis_keys.hashed(visitor.session_id)
    sessions = second.app[STATE].sessions
    assert isinstance(sessions, RedisSessions)
    sessions.touches._throttle_s = 0.0
    assert 200 == await status_of(second, visitor)
    assert 204 == (await first.post("/logout", **visitor.proofs)).status
    await sessions.touches.close()
    assert [0, 0] == [await redis.exists(redis_keys.session(id_hash)), await redis.exists(redis_keys.sessions("alice"))]
    assert 401 == await status_of(second, visitor)


async def test_touches_are_forgotten_before_they_fill_the_memory(
    touches: Touches, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("session_server.touches._MAX_REMEMBERED", 10)
    clock.move(IDLE_S)
    for number in range(50):
        touches.used(f"{number}", "alice", BEGAN)
    await touches.close()
    assert 10 == len(touches._touched_s)
