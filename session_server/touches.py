"""Keep used sessions alive, seldom and never on a request's critical path, without ever bringing back an ended one."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable

from core import redis_keys
from core.errors import Unavailable
from core.logs import audit
from core.redis_link import RedisLink, Script

_BATCH_S = 0.05
_MAX_PER_CALL = 256
"""A script keeps Redis from everybody else while it runs: for a fraction of a millisecond with so many sessions."""
_MAX_REMEMBERED = 100_000
_MAX_THROTTLE_S = 60.0


_TOUCH = Script("""
-- KEYS: sessions, then their accounts' indexes. ARGV: life ms of each session, its hash in the index, and now in ms.
local count = #KEYS / 2
for i = 1, count do redis.call('PEXPIRE', KEYS[i], ARGV[i]) end
-- A Redis that is full refuses the second part; sessions stay alive all the same.
for i = 1, count do redis.pcall('ZADD', KEYS[count + i], 'XX', ARGV[#ARGV], ARGV[count + i]) end
return 1
""")


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
        due, self._due, self._flight = list(self._due.items()), {}, None
        for first in range(0, len(due), _MAX_PER_CALL):
            batch = due[first : first + _MAX_PER_CALL]
            try:
                await self._touch(batch)
            except Unavailable:
                audit.warning("touch.lost", sessions=len(batch))

    async def _touch(self, batch: list[tuple[str, tuple[str, float]]]) -> None:
        now = self._clock()
        sessions = [redis_keys.session(id_hash) for id_hash, _ in batch]
        indexes = [redis_keys.sessions(sub) for _, (sub, _) in batch]
        ends = [created_at + self._absolute_s for _, (_, created_at) in batch]
        lives_ms = [max(1, round(min(self._idle_s, end - now) * 1000)) for end in ends]
        id_hashes = [id_hash for id_hash, _ in batch]
        await self._link.run(_TOUCH, [*sessions, *indexes], [*lives_ms, *id_hashes, round(now * 1000)])

    async def close(self) -> None:
        """Write what is due."""
        if self._flight is not None:
            await self._flight
