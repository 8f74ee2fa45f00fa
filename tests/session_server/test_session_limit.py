"""One account has at most so many sessions, exactly, however many log in at once (SES-09, ASVS 7.1.2)."""

import asyncio

import pytest
from redis.asyncio import Redis

from core import redis_keys
from session_server.session import MAX_SESSIONS_PER_ACCOUNT
from session_server.session_api import STATE
from session_server.strategies import memory_session
from session_server.strategies.memory_session import MemorySessions
from tests.session_server.visitor import Visitor, log_in, status_of
from tests.support.servers import Server

_SURPLUS = 20
_AT_ONCE = 10


async def _log_in_often(server: Server, times: int) -> list[Visitor]:
    """Log in, several at once."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one() -> Visitor:
        async with gate:
            return await log_in(server)

    return await asyncio.gather(*(one() for _ in range(times)))


async def _alive(server: Server, visitors: list[Visitor]) -> list[bool]:
    return [200 == status for status in await asyncio.gather(*(status_of(server, visitor) for visitor in visitors))]


async def test_parallel_logins_leave_exactly_the_limit(server: Server, strategy: str, redis: Redis) -> None:
    bystander = await log_in(server, "bob")
    visitors = await _log_in_often(server, MAX_SESSIONS_PER_ACCOUNT + _SURPLUS)
    assert MAX_SESSIONS_PER_ACCOUNT == sum(await _alive(server, visitors))
    assert 200 == await status_of(server, bystander)
    if strategy != "memory-session":
        stored = [key async for key in redis.scan_iter(f"{redis_keys.SESSION_PREFIX}*", count=1000)]
        assert MAX_SESSIONS_PER_ACCOUNT + 1 == len(stored), "what ended is gone, not only unlisted"


async def test_the_oldest_makes_room(server: Server) -> None:
    first = await log_in(server)
    await asyncio.sleep(0.002)
    rest = await _log_in_often(server, MAX_SESSIONS_PER_ACCOUNT - 1)
    assert all(await _alive(server, [first, *rest]))
    await asyncio.sleep(0.002)
    last = await log_in(server)
    assert [False, True] == await _alive(server, [first, last])
    assert all(await _alive(server, rest))


@pytest.mark.parametrize("strategy", ["memory-session"], indirect=True)
async def test_one_process_remembers_so_many_sessions_and_no_more(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else anybody with an account fills the memory of the textbook's server."""
    monkeypatch.setattr(memory_session, "MAX_SESSIONS", 5)
    visitors = [await log_in(server, name) for name in ("alice", "bob", "root", "alice", "bob")]
    assert 200 == await status_of(server, visitors[0]), "used last, so others go first"
    visitors += [await log_in(server, "root"), await log_in(server, "root")]
    assert [True, False, False, True, True, True, True] == await _alive(server, visitors)
    sessions = server.app[STATE].sessions
    assert isinstance(sessions, MemorySessions)
    assert 5 == len(sessions._sessions) == sum(len(hashes) for hashes in sessions._by_sub.values())
