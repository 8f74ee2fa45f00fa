"""Sessions end by themselves: after a while unused, and for good at a fixed time (SES-06)."""

import asyncio

import pytest
from redis.asyncio import Redis

from core import redis_keys
from core.errors import Rejected
from session_server.session_api import STATE
from session_server.strategies.memory_session import MemorySessions
from session_server.strategies.redis_session import RedisSessions
from tests.session_server.visitor import Visitor, log_in, status_of
from tests.support.clock import Clock
from tests.support.servers import Servers

IDLE_S = 100
ABSOLUTE_S = 1000


async def _life_ms(redis: Redis, visitor: Visitor) -> int:
    return int(await redis.pttl(redis_keys.session(redis_keys.hashed(visitor.session_id))))


async def test_an_unused_session_is_over(servers: Servers, redis_url: str) -> None:
    """Really waited for, once: Redis' own expiry is part of it. The tracked one must not outlive it in memory."""
    urls = {"memory-session": "", "redis-session": redis_url, "tracked-session": redis_url}
    kept = [await servers.session(name, url, SESSION_IDLE_TTL_S="1") for name, url in urls.items()]
    visitors = [await log_in(server) for server in kept]
    assert [200] * 3 == [await status_of(*pair) for pair in zip(kept, visitors, strict=True)]
    await asyncio.sleep(1.1)
    assert [401] * 3 == [await status_of(*pair) for pair in zip(kept, visitors, strict=True)]


async def test_a_used_session_lives_on(servers: Servers, redis_url: str) -> None:
    urls = {"memory-session": "", "redis-session": redis_url, "tracked-session": redis_url}
    kept = [await servers.session(name, url, SESSION_IDLE_TTL_S="1") for name, url in urls.items()]
    visitors = [await log_in(server) for server in kept]
    for _ in range(6):
        await asyncio.sleep(0.3)
        assert [200] * 3 == [await status_of(*pair) for pair in zip(kept, visitors, strict=True)]


@pytest.mark.parametrize(("moved_s", "expected"), [(ABSOLUTE_S - 5, 200), (ABSOLUTE_S + 1, 401)])
@pytest.mark.parametrize("strategy", ["redis-session", "tracked-session"], indirect=True)
async def test_at_its_absolute_end_a_session_is_over_though_the_store_has_it(
    moved_s: int, expected: int, strategy: str, servers: Servers, redis_url: str
) -> None:
    ends = {"SESSION_ABSOLUTE_TTL_S": str(ABSOLUTE_S), "SESSION_IDLE_TTL_S": "1800"}
    server = await servers.session(strategy, redis_url, **ends)
    later = await servers.session(strategy, redis_url, CLOCK_OFFSET_S=str(moved_s), **ends)
    visitor = await log_in(server)
    assert [expected, 200] == [await status_of(one, visitor) for one in (later, server)]


async def test_at_its_absolute_end_a_memory_session_is_over_however_much_it_is_used(servers: Servers) -> None:
    server = await servers.session("memory-session", SESSION_ABSOLUTE_TTL_S=str(ABSOLUTE_S))
    sessions = server.app[STATE].sessions
    assert isinstance(sessions, MemorySessions)
    sessions._clock = clock = Clock()
    visitor = await log_in(server)
    for _ in range(9):
        clock.move(ABSOLUTE_S / 10)
        assert 200 == await status_of(server, visitor)
    clock.move(ABSOLUTE_S / 10)
    assert 401 == await status_of(server, visitor)


@pytest.mark.parametrize("strategy", ["redis-session", "tracked-session"], indirect=True)
async def test_the_store_lets_a_session_expire_at_whichever_end_comes_first(
    strategy: str, servers: Servers, redis: Redis, redis_url: str
) -> None:
    for idle_s, absolute_s in ((IDLE_S, ABSOLUTE_S), (ABSOLUTE_S, IDLE_S)):
        ends = {"SESSION_IDLE_TTL_S": str(idle_s), "SESSION_ABSOLUTE_TTL_S": str(absolute_s)}
        visitor = await log_in(await servers.session(strategy, redis_url, **ends))
        assert IDLE_S * 1000 - 5000 < await _life_ms(redis, visitor) <= IDLE_S * 1000


async def test_use_never_extends_a_session_beyond_its_absolute_end(
    servers: Servers, redis: Redis, redis_url: str
) -> None:
    ends = {"SESSION_IDLE_TTL_S": str(IDLE_S), "SESSION_ABSOLUTE_TTL_S": str(ABSOLUTE_S)}
    server = await servers.session("redis-session", redis_url, **ends)
    shortly_before = await servers.session("redis-session", redis_url, CLOCK_OFFSET_S=str(ABSOLUTE_S - 7), **ends)
    visitor = await log_in(server)
    assert 200 == await status_of(shortly_before, visitor)
    sessions = shortly_before.app[STATE].sessions
    assert isinstance(sessions, RedisSessions)
    await sessions.touches.close()
    assert 0 < await _life_ms(redis, visitor) <= 7000


async def test_a_memory_session_ends_on_the_second(servers: Servers) -> None:
    server = await servers.session("memory-session", SESSION_IDLE_TTL_S=str(IDLE_S))
    sessions = server.app[STATE].sessions
    assert isinstance(sessions, MemorySessions)
    sessions._monotonic = clock = Clock()
    visitor = await log_in(server)
    for _ in range(3):
        clock.move(IDLE_S - 0.01)
        await sessions.verify(visitor.session_id)
    clock.move(IDLE_S)
    with pytest.raises(Rejected) as refusal:
        await sessions.verify(visitor.session_id)
    assert "expiry" == refusal.value.reason
    assert [] == await sessions.all_of("alice"), "and is forgotten"
