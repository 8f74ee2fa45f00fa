"""Keep used sessions alive, seldom and never on a request's critical path, without ever bringing back an ended one."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from core import redis_keys
from core.errors import Unavailable
from core.logs import audit
from core.redis_link import RedisLink

_BATCH_S = 0.05
_MAX_REMEMBERED = 100_000
_MAX_THROTTLE_S = 60.0


class Touches:
    """Extends sessions' idle time in batches. `PEXPIRE` and `ZADD XX` do nothing to what has been deleted."""

    def __init__(
        self,
        link: RedisLink,
        *,
        idle_s: float,
        absolute_s: float,
        clock: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._link = link
        self._idle_s = idle_s
        self._absolute_s = absolute_s
        self._throttle_s = min(idle_s / 10, _MAX_THROTTLE_S)
        self._clock = clock
        self._monotonic = monotonic
        self._touched_s: OrderedDict[str, float] = OrderedDict()
        self._due: dict[str, tuple[str, float]] = {}
        self._flight: asyncio.Task[None] | None = None

    def used(self, id_hash: str, sub: str, created_at: float) -> None:
        """Note that a session was used just now."""
        now = self._monotonic()
        touched_s = self._touched_s.get(id_hash)
        if touched_s is None:
            if self._clock() - created_at < self._throttle_s:
                return
        elif now - touched_s < self._throttle_s:
            return
        self._touched_s[id_hash] = now
        self._touched_s.move_to_end(id_hash)
        if len(self._touched_s) > _MAX_REMEMBERED:
            self._touched_s.popitem(last=False)
        self._due[id_hash] = (sub, created_at)
        if self._flight is None:
            self._flight = asyncio.create_task(self._fly())

    async def _fly(self) -> None:
        await asyncio.sleep(_BATCH_S)
        due, self._due, self._flight = self._due, {}, None
        now = self._clock()

        async def send(client: Any) -> None:
            pipeline = client.pipeline(transaction=False)
            for id_hash, (sub, created_at) in due.items():
                left_s = min(self._idle_s, created_at + self._absolute_s - now)
                pipeline.pexpire(redis_keys.session(id_hash), max(1, round(left_s * 1000)))
                pipeline.zadd(redis_keys.sessions(sub), {id_hash: round(now * 1000)}, xx=True)
            await pipeline.execute()

        try:
            await self._link.call(send)
        except Unavailable:
            audit.warning("touch.lost", sessions=len(due))

    async def close(self) -> None:
        """Write what is due."""
        if self._flight is not None:
            await self._flight
