"""Hear from Redis which sessions changed (`CLIENT TRACKING … BCAST`), and know when that can be relied on.

It relies on one thing only: Redis sends on one connection in order. So when the answer to a PING arrives, every
change before that PING has been heard of. A lost connection means that nothing is known any more.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from redis.exceptions import RedisError

from core import redis_keys
from core.background import running_beside
from core.logs import audit
from core.redis_link import RedisLink, found_closed, open_redis

Follower = Callable[[str | None], None]
_RECONNECT_S = 0.1


class Tracking:
    """One connection that hears of changed sessions."""

    def __init__(self, link: RedisLink, *, max_stale_s: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._link = link
        self._max_stale_s = max_stale_s
        self._monotonic = monotonic
        self._followers: list[Follower] = []
        self._current_until_s = 0.0

    def follow(self, follower: Follower) -> None:
        """Call `follower` with the hash of each changed session, and with None when all must be forgotten."""
        self._followers.append(follower)

    def is_current(self) -> bool:
        """Tell whether every change up to `max_stale_s` ago has been heard of."""
        return self._monotonic() < self._current_until_s

    async def run(self) -> None:
        """Stay connected, for ever."""
        while True:
            try:
                await self._listen()
            except (RedisError, OSError, TimeoutError, RuntimeError) as error:
                if isinstance(error, RuntimeError) and not found_closed(error):
                    raise
                audit.warning("tracking.lost", error=type(error).__name__)
            self._forget_all()
            await asyncio.sleep(_RECONNECT_S)

    def _forget_all(self) -> None:
        self._current_until_s = 0.0
        for follower in self._followers:
            follower(None)

    async def _listen(self) -> None:
        connection: Any = self._link.client.connection_pool.make_connection()  # type: ignore[no-untyped-call] # redis-py leaves it untyped
        half_s = self._max_stale_s / 2
        try:
            async with asyncio.timeout(half_s):
                await connection.connect()
                connection._parser.set_invalidation_push_handler(self._changed)  # noqa: SLF001 - redis-py has no other way in for asyncio
                await connection.send_command("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", redis_keys.SESSION_PREFIX)
                await connection.read_response()
            self._forget_all()
            while True:
                asked_s = self._monotonic()
                async with asyncio.timeout(half_s):
                    await connection.send_command("PING")
                    while not _is_pong(await connection.read_response(timeout=math.inf, push_request=True)):
                        pass
                self._current_until_s = asked_s + self._max_stale_s
                await self._hear_until(connection, asked_s + half_s)
        finally:
            await connection.disconnect(nowait=True)

    async def _hear_until(self, connection: Any, moment_s: float) -> None:
        """Take in changes until it is time for the next PING."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, moment_s - self._monotonic())):
                while True:
                    await connection.read_response(timeout=math.inf, push_request=True, disconnect_on_error=False)

    async def _changed(self, message: Any) -> Any:
        """Handle one push: names of changed keys, or None after `FLUSHDB`."""
        names = message[1]
        for name in [None] if names is None else names:
            id_hash = None if name is None else name.decode().removeprefix(redis_keys.SESSION_PREFIX)
            for follower in self._followers:
                follower(id_hash)
        return message


def _is_pong(reply: object) -> bool:
    return reply in {b"PONG", "PONG"} if isinstance(reply, bytes | str) else False


@asynccontextmanager
async def open_tracking(url: str, *, max_stale_s: float) -> AsyncIterator[Tracking]:
    """Hear of changes in the background."""
    async with open_redis(url, max_connections=2, protocol=3) as link:
        tracking = Tracking(link, max_stale_s=max_stale_s)
        async with running_beside(tracking.run()):
            yield tracking
