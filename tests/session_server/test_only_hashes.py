"""Whoever reads the store finds nothing that opens a session (SES-02)."""

import re

import pytest
from redis.asyncio import Redis

from core import redis_keys
from tests.session_server.visitor import Visitor, log_in, status_of
from tests.support.servers import Servers
from tests.support.stores import dump


@pytest.mark.parametrize("strategy", ["redis-session", "tracked-session"])
async def test_nothing_in_the_store_opens_a_session(
    strategy: str, servers: Servers, redis: Redis, redis_url: str
) -> None:
    server = await servers.session(strategy, redis_url, SESSION_ACCOUNTS_REDIS_URL=redis_url)
    visitors: list[Visitor] = [await log_in(server, name) for name in ("alice", "bob", "root", "alice")]
    await server.post("/logout-everywhere", **visitors[1].proofs)
    held = await dump(redis)
    assert redis_keys.hashed(visitors[0].session_id) in held, "what is there is the hash"
    for visitor in visitors:
        assert visitor.session_id not in held
        assert visitor.csrf not in held
    found = set(re.findall(r"[A-Za-z0-9_-]{16,}", held))
    assert len(found) >= 8, "hashes and handles of what is left"
    for text in found:
        for value in {text, text[:43], text[-43:]}:
            assert 401 == (await server.get("/me", cookie=f"session={value}")).status
    assert 200 == await status_of(server, visitors[0])


async def test_every_entry_has_its_end(servers: Servers, redis: Redis, redis_url: str) -> None:
    server = await servers.session("redis-session", redis_url)
    visitor = await log_in(server)
    await log_in(server, "bob")
    await server.post("/logout-everywhere", **visitor.proofs)
    names = [name async for name in redis.scan_iter("*")]
    assert len(names) >= 3
    assert [] == [name for name in names if await redis.ttl(name) < 0]
