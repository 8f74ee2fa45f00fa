"""Redis does not answer: nothing is decided, nothing is pretended, and afterwards all is as it was (SES-07)."""

import asyncio

import pytest
from redis.asyncio import Redis

from core import redis_keys
from lab.processes import RedisProcess
from tests.session_server.visitor import log_in, status_of
from tests.support.servers import Servers


@pytest.mark.parametrize("strategy", ["redis-session", "tracked-session"])
async def test_a_logout_without_the_store_is_503_and_keeps_the_cookie(
    strategy: str, servers: Servers, own_redis: RedisProcess
) -> None:
    """A cookie taken away while the session lives on would be a logout that only looks like one."""
    server = await servers.session(strategy, own_redis.url, SESSION_MAX_STALE_S="30")
    visitor, other = await log_in(server), await log_in(server)
    (handle,) = [one["handle"] for one in (await server.get("/sessions", **visitor.proofs)).json if not one["current"]]
    assert 200 == await status_of(server, visitor)
    own_redis.pause()
    try:
        for refused in (
            await server.post("/logout", **visitor.proofs),
            await server.post("/logout-everywhere", **visitor.proofs),
            await server.delete(f"/sessions/{handle}", **visitor.proofs),
            await server.login(),
        ):
            assert (503, "unavailable") == (refused.status, refused.code)
            assert int(refused.headers["Retry-After"]) >= 1
            assert "Set-Cookie" not in refused.headers
    finally:
        own_redis.resume()
    async with Redis.from_url(own_redis.url, driver_info=None) as client:
        await client.ping()
    await asyncio.sleep(0.3)  # the circuit asks again
    assert await status_of(server, other) in {200, 401}, "the paused store may have carried out what it was sent"
    await server.post("/logout", **visitor.proofs)
    assert 401 == await status_of(server, visitor)


async def test_when_the_store_is_back_sessions_are_what_they_were(servers: Servers, own_redis: RedisProcess) -> None:
    server = await servers.session("redis-session", own_redis.url)
    visitor = await log_in(server)
    own_redis.pause()
    try:
        statuses = [(await server.get("/me", cookie=visitor.cookie)).status for _ in range(8)]
    finally:
        own_redis.resume()
    assert [503] * 8 == statuses, "never 401: the session is good, only nobody can tell"
    assert 200 == await status_of(server, visitor)


async def test_a_store_that_lost_its_data_means_log_in_again(servers: Servers, redis: Redis, redis_url: str) -> None:
    server = await servers.session("redis-session", redis_url)
    visitor = await log_in(server)
    await redis.flushall()
    assert 401 == await status_of(server, visitor)
    assert 200 == await status_of(server, await log_in(server))


@pytest.mark.parametrize("strategy", ["redis-session", "tracked-session"])
async def test_without_room_nobody_logs_in_and_whoever_is_in_stays_in(
    strategy: str, servers: Servers, own_redis: RedisProcess
) -> None:
    """`noeviction`: a full store refuses writes instead of throwing sessions out (F-08)."""
    server = await servers.session(strategy, own_redis.url)
    visitor = await log_in(server)
    async with Redis.from_url(own_redis.url, driver_info=None) as client:
        await client.config_set("maxmemory-policy", "noeviction")
        await client.config_set("maxmemory", 1)
        assert 503 == (await server.login()).status
        assert 200 == await status_of(server, visitor)
        assert 204 == (await server.post("/logout", **visitor.proofs)).status, "deleting needs no room"
        assert 401 == await status_of(server, visitor)
        assert not await client.exists(redis_keys.session(redis_keys.hashed(visitor.session_id)))
