"""Reads from a real Redis: ours, merged per tick of the event loop, and the same GET through redis-py; and touches."""

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import cycle

from redis.asyncio import Redis

from bench.micro.timing import Step, awaiting, in_flight
from core.reads import CoalescedReads
from core.redis_link import open_redis
from session_server.touches import Touches

MANY = 32
_KEYS = 1000
_VALUE_BYTES = 200
_PATIENCE_S = 5.0


@asynccontextmanager
async def store_steps(url: str) -> AsyncIterator[list[Step]]:
    """Open both ways to the Redis at `url`; its own CPU time is in no figure."""
    async with open_redis(url) as link, Redis.from_url(url, driver_info=None) as client:
        names = [f"bench:{number:04d}:{secrets.token_hex(16)}" for number in range(_KEYS)]
        await client.mset({name: secrets.token_bytes(_VALUE_BYTES) for name in names})
        upcoming = cycle(names)
        reads = CoalescedReads(link, deadline_s=_PATIENCE_S)

        async def ours() -> None:
            await reads.get(next(upcoming))

        touches = Touches(link, idle_s=1800, absolute_s=1e9, clock=time.time)

        async def kept_alive(times: int) -> None:
            for _ in range(times // MANY):
                batch = [(next(upcoming), ("bench", 0.0)) for _ in range(MANY)]
                await touches._touch(batch)  # noqa: SLF001 - without the wait for a batch to fill

        async def theirs() -> None:
            await client.get(next(upcoming))

        yield [
            Step("store", "read, 1 in flight", awaiting(ours)),
            Step("store", f"read, {MANY} in flight", in_flight(ours, MANY)),
            Step("store", f"session kept alive, {MANY} at once", kept_alive),
            Step("store", "read, 1 in flight: redis-py GET", awaiting(theirs), "theirs"),
            Step("store", f"read, {MANY} in flight: redis-py GET", in_flight(theirs, MANY), "theirs"),
        ]
        await client.delete(*names)
