"""The one way to Redis: fails fast, never retries, and never turns trouble into an answer.

redis-py retries by default and takes seconds to notice a dead Redis (70 s for a paused one), and its default pool
raises at 100 connections. So: no retries, an outer deadline on every call, a pool that waits briefly, and a circuit
in front.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError, ResponseError

from core.circuit import Circuit
from core.errors import Unavailable

DEADLINE_S = 0.2
MAX_CONNECTIONS = 32
_POOL_WAIT_S = 0.1


def retry_after_s() -> float:
    """Return when to try again, jittered so that clients do not come back all at once."""
    return random.uniform(1.0, 3.0)  # noqa: S311 - jitter, not a secret


class BlockingSentinelPool(SentinelConnectionPool, BlockingConnectionPool):
    """A pool that asks Sentinel for the master and waits, briefly, for a free connection."""


class Script:
    """A Lua script, run by its hash; loaded again whenever Redis does not know it."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.sha: str | None = None


def _is_our_own_crowd(error: Exception) -> bool:
    """Tell whether our pool had no connection to lend in time: that says nothing about Redis."""
    return isinstance(error, RedisConnectionError) and isinstance(error.__cause__, TimeoutError)


class RedisLink:
    """Calls to one Redis, each under a deadline; every failure is `Unavailable`."""

    def __init__(self, client: Redis, *, deadline_s: float = DEADLINE_S) -> None:
        self.client = client
        self.circuit = Circuit()
        self._deadline_s = deadline_s
        self._closing: list[Callable[[], None]] = []

    def when_closing(self, close: Callable[[], None]) -> None:
        """Have something closed together with this link."""
        self._closing.append(close)

    def close(self) -> None:
        """Close what depends on this link."""
        for close in self._closing:
            close()

    async def call(self, send: Callable[[Redis], Awaitable[Any]]) -> Any:
        """Run one round trip; raise `Unavailable` without an answer by the deadline. The call may have happened."""
        if not self.circuit.admits():
            raise Unavailable("redis", retry_after_s=retry_after_s())
        try:
            async with asyncio.timeout(self._deadline_s):
                answer = await send(self.client)
        except ResponseError as error:
            self.circuit.succeeded()  # out of memory, for example: an error is an answer, reads may go on
            raise Unavailable("redis", retry_after_s=retry_after_s()) from error
        except (RedisError, OSError, TimeoutError) as error:
            if not _is_our_own_crowd(error):
                self.circuit.failed()
            raise Unavailable("redis", retry_after_s=retry_after_s()) from error
        self.circuit.succeeded()
        return answer

    async def run(self, script: Script, keys: list[str], arguments: list[str | bytes | int | float]) -> Any:
        """Run a Lua script in one round trip (two when Redis has not seen it)."""

        async def send(client: Redis) -> Any:
            values: list[Any] = [*keys, *arguments]
            if script.sha is not None:
                try:
                    return await client.evalsha(script.sha, len(keys), *values)
                except NoScriptError:
                    script.sha = None
            script.sha = await client.script_load(script.source)
            return await client.evalsha(script.sha, len(keys), *values)

        return await self.call(send)

    async def now(self) -> float:
        """Return Redis' own clock in Unix seconds, the one that cut-offs are measured with."""
        seconds, microseconds = await self.call(lambda client: client.time())
        return float(seconds) + float(microseconds) / 1e6


@asynccontextmanager
async def open_redis(
    url: str, *, max_connections: int = MAX_CONNECTIONS, deadline_s: float = DEADLINE_S, protocol: int = 2
) -> AsyncIterator[RedisLink]:
    """Open a link to the Redis at `url` (`redis://`, `rediss://`, `unix://` or `redis+sentinel://h:p,h:p/0?master=name`).

    Nothing is sent before the first call: a server starts, and tells that it is not ready, while Redis is away.
    """
    options: dict[str, Any] = {
        "socket_timeout": deadline_s,
        "socket_connect_timeout": DEADLINE_S,
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 0,
        "protocol": protocol,
        "max_connections": max_connections,
        "timeout": _POOL_WAIT_S,
        "driver_info": None,  # redis-py would read its own version from disk for each new connection, on the event loop
    }
    if url.startswith("redis+sentinel://"):
        pool, closers = _sentinel_pool(url, options)
    else:
        pool, closers = BlockingConnectionPool.from_url(url, **options), []
    client = Redis(connection_pool=pool)
    link = RedisLink(client, deadline_s=deadline_s)
    try:
        yield link
    finally:
        link.close()
        await client.aclose()
        await pool.disconnect()
        for sentinel in closers:
            await sentinel.aclose()


def _sentinel_pool(url: str, options: dict[str, Any]) -> tuple[BlockingConnectionPool, list[Redis]]:
    parts = urlsplit(url)
    hosts = [
        (host, int(port or 26379))
        for host, _, port in (one.rpartition("@")[2].partition(":") for one in parts.netloc.split(","))
    ]
    master = parse_qs(parts.query).get("master", ["mymaster"])[0]
    database = int(parts.path.strip("/") or 0)
    shared = ("socket_timeout", "socket_connect_timeout", "retry", "protocol", "driver_info")
    asking = {name: options[name] for name in shared}
    sentinel = Sentinel(hosts, sentinel_kwargs=asking)  # type: ignore[no-untyped-call] # redis-py leaves it untyped
    pool = BlockingSentinelPool(master, sentinel, db=database, **options)  # type: ignore[no-untyped-call] # as above
    return pool, list(sentinel.sentinels)
