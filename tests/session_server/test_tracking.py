"""What a tracked session server remembers is never older than Redis' word: pushed, lost, silent, or overtaken."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

import pytest
from redis.asyncio import Redis

from core import redis_keys
from core.errors import Rejected
from lab.processes import RedisProcess
from session_server.session_api import STATE
from session_server.strategies import tracked_session
from session_server.strategies.tracked_session import TrackedSessions
from tests.session_server.visitor import Visitor, log_in, status_of
from tests.support.patience import until
from tests.support.servers import Server, Servers
from tests.support.stores import commands_during, commands_so_far


@pytest.fixture
async def tracked(servers: Servers, redis_url: str) -> Server:
    server = await servers.session("tracked-session", redis_url)
    await until(_sessions(server)._tracking.is_current)
    return server


def _sessions(server: Server) -> TrackedSessions:
    sessions = server.app[STATE].sessions
    assert isinstance(sessions, TrackedSessions)
    return sessions


async def _reads(redis: Redis, ask: Callable[[], Awaitable[object]]) -> int:
    """Return how many sessions were looked up meanwhile."""
    before = await commands_so_far(redis)
    await ask()
    return (await commands_during(redis, before)).get("get", 0)


def _key(visitor: Visitor) -> str:
    return redis_keys.session(redis_keys.hashed(visitor.session_id))


async def test_a_session_seen_before_costs_no_look_up(tracked: Server, redis: Redis) -> None:
    visitor = await log_in(tracked)

    async def ask_often() -> None:
        for _ in range(20):
            assert 200 == await status_of(tracked, visitor)

    assert [1, 0] == [await _reads(redis, ask_often), await _reads(redis, ask_often)]


async def test_a_change_made_by_anybody_is_heard_of(tracked: Server, redis: Redis) -> None:
    """Another server's logout, or an operator's DEL: Redis tells."""
    visitor, other = await log_in(tracked), await log_in(tracked, "bob")
    assert [200, 200] == [await status_of(tracked, one) for one in (visitor, other)]
    await redis.delete(_key(visitor))
    await until(lambda: len(_sessions(tracked)) == 1, within_s=1.0)
    assert [401, 200] == [await status_of(tracked, one) for one in (visitor, other)]


@pytest.mark.parametrize("command", ["flushdb", "flushall"])
async def test_when_everything_is_flushed_everything_is_forgotten(command: str, tracked: Server, redis: Redis) -> None:
    visitors = [await log_in(tracked, name) for name in ("alice", "bob", "root")]
    assert [200] * 3 == [await status_of(tracked, visitor) for visitor in visitors]
    await getattr(redis, command)()
    await until(lambda: len(_sessions(tracked)) == 0, within_s=1.0)
    assert [401] * 3 == [await status_of(tracked, visitor) for visitor in visitors]


async def test_word_of_a_change_during_a_read_wins_over_what_was_read(
    tracked: Server, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer of the store is held back here until the word of its end has come: it must not be remembered."""
    visitor = await log_in(tracked)
    sessions = _sessions(tracked)
    read = sessions._reads.get_with_life
    id_hash = redis_keys.hashed(visitor.session_id)

    async def overtaken(name: str) -> tuple[bytes | None, int]:
        value = await read(name)
        await redis.delete(name)
        await until(lambda: all(one.overtaken for one in sessions._being_read[id_hash]))
        return value

    monkeypatch.setattr(sessions._reads, "get_with_life", overtaken)
    await sessions.verify(visitor.session_id)
    monkeypatch.undo()
    assert 0 == len(sessions)
    with pytest.raises(Rejected):
        await sessions.verify(visitor.session_id)
    assert {} == sessions._being_read


async def test_many_reads_and_ends_at_once_leave_nothing_stale(tracked: Server, redis: Redis) -> None:
    sessions = _sessions(tracked)
    for _ in range(10):
        visitors = [await log_in(tracked) for _ in range(5)]

        async def end(visitor: Visitor) -> None:
            await redis.delete(_key(visitor))

        askers = [status_of(tracked, visitor) for visitor in visitors for _ in range(3)]
        await asyncio.gather(*askers, *map(end, visitors))
        await until(lambda: len(sessions) == 0, within_s=1.0)


async def test_a_lost_connection_drops_everything_and_each_request_asks(
    tracked: Server, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("session_server.tracking._RECONNECT_S", 1.0)
    visitor = await log_in(tracked)
    sessions = _sessions(tracked)
    assert 200 == await status_of(tracked, visitor)
    (following,) = [one for one in await redis.client_list() if "t" in one["flags"]]
    await redis.client_kill_filter(_id=following["id"])
    await until(lambda: not sessions._tracking.is_current(), within_s=1.0)
    assert 0 == len(sessions)

    async def ask_thrice() -> None:
        for _ in range(3):
            assert 200 == await status_of(tracked, visitor), "the store answers, so nobody is refused"

    assert 3 == await _reads(redis, ask_thrice)
    await until(sessions._tracking.is_current)
    await ask_thrice()
    assert 0 == await _reads(redis, ask_thrice)


async def test_a_change_while_the_connection_was_lost_is_not_missed(
    tracked: Server, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("session_server.tracking._RECONNECT_S", 0.5)
    visitor = await log_in(tracked)
    assert 200 == await status_of(tracked, visitor)
    (following,) = [one for one in await redis.client_list() if "t" in one["flags"]]
    pipeline = redis.pipeline(transaction=True)
    pipeline.client_kill_filter(_id=following["id"])
    pipeline.delete(_key(visitor))
    await pipeline.execute()
    await until(lambda: not _sessions(tracked)._tracking.is_current(), within_s=1.0)
    assert 401 == await status_of(tracked, visitor)
    await until(_sessions(tracked)._tracking.is_current)
    assert 401 == await status_of(tracked, visitor)


async def test_a_silent_store_serves_for_the_bound_and_heals(servers: Servers, own_redis: RedisProcess) -> None:
    stale_s = 0.6
    server = await servers.session("tracked-session", own_redis.url, SESSION_MAX_STALE_S=str(stale_s))
    visitor = await log_in(server)
    await until(_sessions(server)._tracking.is_current)
    assert 200 == await status_of(server, visitor)
    own_redis.pause()
    paused_s = monotonic()
    try:
        last_200_s = paused_s
        while (status := (await server.get("/me", cookie=visitor.cookie)).status) == 200:
            last_200_s = monotonic()
            await asyncio.sleep(0.01)
        assert 503 == status
        assert last_200_s - paused_s <= stale_s + 0.1
    finally:
        own_redis.resume()
    async with Redis.from_url(own_redis.url, driver_info=None) as client:
        await client.delete(_key(visitor))
    await until(_sessions(server)._tracking.is_current)
    assert 401 == await status_of(server, visitor), "what ended meanwhile is over"
    assert 200 == await status_of(server, await log_in(server))


async def test_it_remembers_so_many_and_no_more(tracked: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracked_session, "MAX_REMEMBERED", 5)
    visitors = [await log_in(tracked) for _ in range(8)]
    for visitor in visitors:
        assert 200 == await status_of(tracked, visitor)
        assert 200 == await status_of(tracked, visitors[0])
    assert 5 == len(_sessions(tracked))
    kept = {redis_keys.hashed(visitor.session_id) for visitor in (visitors[0], *visitors[-4:])}
    assert kept == set(_sessions(tracked)._remembered), "those that were used last"


async def test_an_unknown_session_is_not_remembered(tracked: Server) -> None:
    for _ in range(10):
        assert 401 == (await tracked.get("/me", cookie=f"session={'A' * 43}")).status
    assert 0 == len(_sessions(tracked))
    assert {} == _sessions(tracked)._being_read
