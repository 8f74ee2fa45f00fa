"""The one way to Redis: fails fast, never retries, and never turns trouble into an answer.

redis-py retries by default and takes seconds to notice a dead Redis (70 s for a paused one), and its default pool
raises at 100 connections. So: no retries, an outer deadline on every call, a pool that waits briefly, and a circuit
in front.
"""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from redis.asyncio import BlockingConnectionPool, Connection, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError, ResponseError

from core.circuit import Circuit
from core.errors import Unavailable
from core.logs import audit
from core.sentinel import is_sentinel, open_master_pool

DEADLINE_S = 0.2
MAX_CONNECTIONS = 32
_POOL_WAIT_S = 0.1
_CONFIRM_MS = 50


def retry_after_s() -> float:
    """Return when to try again, jittered so that clients do not come back all at once."""
    return random.uniform(1.0, 3.0)  # noqa: S311 - jitter, not a secret


def found_closed(error: RuntimeError) -> bool:
    """Tell whether this is how uvloop says that the other end has reset the connection; asyncio raises `OSError`."""
    return "handler is closed" in str(error)


class NoticingConnection(Connection):
    """A connection that notices a reset when it is taken from the pool, so that it is opened anew.

    redis-py notices an orderly end only: after an outage each idle connection would cost one request its answer.
    """

    async def can_read(self) -> bool:
        """Raise `ConnectionError` for a connection that the other end has reset."""
        if self._reader is not None and (lost := self._reader.exception()) is not None:
            raise RedisConnectionError("reset by the other end") from lost
        return await super().can_read()


class Script:
    """A Lua script, run by its hash; sent whole whenever Redis does not know it."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()


def _is_our_own_crowd(error: Exception) -> bool:
    """Tell whether our pool had no connection to lend in time: that says nothing about Redis."""
    return isinstance(error, RedisConnectionError) and isinstance(error.__cause__, TimeoutError)


class RedisLink:
    """Calls to one Redis, each under a deadline; every failure is `Unavailable`."""

    def __init__(self, client: Redis, *, deadline_s: float = DEADLINE_S, has_replicas: bool = False) -> None:
        self.client = client
        self.circuit = Circuit(changed=_tell)
        self._deadline_s = deadline_s
        self._has_replicas = has_replicas
        self._confirmed = True
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
        except (RedisError, OSError, TimeoutError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and not found_closed(error):
                raise
            if not _is_our_own_crowd(error):
                self.circuit.failed(type(error).__name__)
            raise Unavailable("redis", retry_after_s=retry_after_s()) from error
        self.circuit.succeeded()
        return answer

    async def run(
        self, script: Script, keys: list[str], arguments: list[str | bytes | int | float], *, lasting: bool = False
    ) -> Any:
        """Run a Lua script in one round trip (two when Redis has not seen it).

        A `lasting` one, such as a logout, counts once a replica has it, where there are replicas and one is there.
        """
        evaluate = self._evaluate_lasting if lasting and self._has_replicas else self._evaluate

        async def send(client: Redis) -> Any:
            values: list[Any] = [len(keys), *keys, *arguments]
            try:
                return await evaluate(client, "EVALSHA", script.sha, values)
            except NoScriptError:
                # Not loaded first and then run by its hash: whoever flushes the scripts between the two would fail it.
                return await evaluate(client, "EVAL", script.source, values)

        return await self.call(send)

    async def _evaluate(self, client: Redis, command: str, script: str, values: list[Any]) -> Any:
        return await client.execute_command(command, script, *values)  # type: ignore[no-untyped-call] # redis-py leaves it untyped

    async def _evaluate_lasting(self, client: Redis, command: str, script: str, values: list[Any]) -> Any:
        """Evaluate, and wait a little for a replica: what is only on the master is lost when that one dies.

        The master's word alone counts only where the sentinels know of no replica that could have it.
        """
        pipeline = client.pipeline(transaction=False)
        pipeline.execute_command(command, script, *values)
        pipeline.execute_command("WAIT", 1, _CONFIRM_MS)
        answer, replicas = await pipeline.execute()
        if bool(replicas) != self._confirmed:
            self._confirmed = bool(replicas)
            audit.warning("redis.replica", confirms=self._confirmed)
        if not replicas:
            pool: Any = self.client.connection_pool
            if not await pool.stands_alone():
                raise ResponseError("no replica has it yet")
        return answer

    async def now(self) -> float:
        """Return Redis' own clock in Unix seconds, the one that cut-offs are measured with."""
        seconds, microseconds = await self.call(lambda client: client.time())
        return float(seconds) + float(microseconds) / 1e6


@asynccontextmanager
async def open_redis(
    url: str, *, max_connections: int = MAX_CONNECTIONS, deadline_s: float = DEADLINE_S, protocol: int = 2
) -> AsyncIterator[RedisLink]:
    """Open a link to the Redis at `url`: `redis://`, `rediss://`, `unix://`, or `redis+sentinel://` (core/sentinel.py).

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
    async with AsyncExitStack() as stack:
        pool: BlockingConnectionPool
        if is_sentinel(url):
            pool = await stack.enter_async_context(open_master_pool(url, options))
        else:
            pool = BlockingConnectionPool.from_url(url, **options, connection_class=NoticingConnection)
        client = Redis(connection_pool=pool)
        link = RedisLink(client, deadline_s=deadline_s, has_replicas=is_sentinel(url))
        try:
            yield link
        finally:
            link.close()
            await client.aclose()
            await pool.disconnect()


def _tell(is_open: bool, cause: str) -> None:  # noqa: FBT001 - what `Circuit` calls
    if is_open:
        audit.error("redis.circuit_opened", error=cause)
    else:
        audit.info("redis.circuit_closed")
