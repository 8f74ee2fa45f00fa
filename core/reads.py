"""Reads that arrive in one tick of the event loop leave as one command: a busy server pays one round trip for many requests."""

import asyncio
from time import perf_counter
from typing import Any

from redis.asyncio import Redis

from core.errors import Unavailable
from core.redis_link import RedisLink
from core.timing import LOOKUPS_S

Values = list[bytes | None]


class CoalescedReads:
    """Read string values from Redis. Identical keys are asked once; every caller gets its own answer or `Unavailable`.

    One caller's cancellation harms no other: callers wait on futures of their own, never on the command.
    """

    def __init__(self, link: RedisLink) -> None:
        self._link = link
        self._waiting: list[tuple[tuple[str, ...], asyncio.Future[Values]]] = []
        self._flights: set[asyncio.Task[None]] = set()

    async def get(self, key: str) -> bytes | None:
        """Return the value of one key, None where there is none; raise `Unavailable` when Redis does not answer in time."""
        return (await self.get_many(key))[0]

    async def get_many(self, *keys: str) -> Values:
        """Return the values of several keys, as they stood at one moment; raise as `get` does."""
        lookups_s = LOOKUPS_S.get()
        if lookups_s is None:
            return await self._board(keys)
        started = perf_counter()
        try:
            return await self._board(keys)
        finally:
            lookups_s.append(perf_counter() - started)

    def _board(self, keys: tuple[str, ...]) -> asyncio.Future[Values]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Values] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._take_off)
        self._waiting.append((keys, answer))
        return answer

    def _take_off(self) -> None:
        passengers, self._waiting = self._waiting, []
        flight = asyncio.get_running_loop().create_task(self._fly(passengers))
        self._flights.add(flight)
        flight.add_done_callback(self._flights.discard)

    async def _fly(self, passengers: list[tuple[tuple[str, ...], asyncio.Future[Values]]]) -> None:
        keys = list(dict.fromkeys(key for wanted, _ in passengers for key in wanted))
        try:
            found = dict(zip(keys, await self._link.call(lambda client: _read(client, keys)), strict=True))
        except BaseException as error:
            for _, answer in passengers:
                if not answer.done():
                    answer.set_exception(_copy(error))
                    answer.exception()  # a caller that was cancelled meanwhile will not retrieve it
            if not isinstance(error, Unavailable):
                raise
            return
        for wanted, answer in passengers:
            if not answer.done():
                answer.set_result([found[key] for key in wanted])


async def _read(client: Redis, keys: list[str]) -> Any:
    return [await client.get(keys[0])] if len(keys) == 1 else await client.mget(keys)


def _copy(error: BaseException) -> Unavailable:
    """Give each caller an exception of its own: a shared one would collect everybody's traceback."""
    retry_after_s = error.retry_after_s if isinstance(error, Unavailable) else 1.0
    return Unavailable("redis", retry_after_s=retry_after_s)
