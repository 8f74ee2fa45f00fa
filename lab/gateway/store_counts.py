"""How many commands each store has executed, as Redis itself counts them (`INFO commandstats`)."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

from core.errors import Unavailable
from core.redis_link import RedisLink, open_redis

HEARTBEATS = frozenset({"info", "ping", "xread", "client", "client|tracking", "hello", "select"})
"""What servers and this gateway send by themselves, not to answer a request."""

Counts = dict[str, Counter[str]]


class StoreCounts:
    """Reads the counters of the stores that are known, past any fault proxy."""

    def __init__(self, links: Mapping[str, RedisLink]) -> None:
        self._links = links
        self._busy = 0
        self._begun = 0

    @property
    def stores(self) -> list[str]:
        """The names of the stores."""
        return list(self._links)

    async def now(self) -> Counts:
        """Return the counters; a store that does not answer is left out."""
        found = await asyncio.gather(*(_commands(link) for link in self._links.values()))
        return {name: counts for name, counts in zip(self._links, found, strict=True) if counts is not None}

    @contextmanager
    def disturbing(self) -> Iterator[None]:
        """Say that requests are under way while the block runs, so that nobody takes their commands for his."""
        self._busy += 1
        self._begun += 1
        try:
            yield
        finally:
            self._busy -= 1

    @asynccontextmanager
    async def counting(self) -> AsyncIterator["Counted"]:
        """Count what the stores execute while the block runs."""
        counted = Counted()
        with self.disturbing():
            begun, alone = self._begun, self._busy == 1
            before = await self.now()
            try:
                yield counted
            finally:
                after = await self.now()
                counted.alone = alone and begun == self._begun
                counted.by_store = {name: dict(after[name] - before[name]) for name in after.keys() & before.keys()}


class Counted:
    """What was counted."""

    by_store: dict[str, dict[str, int]]
    alone: bool
    """Whether no other request of the lab ran meanwhile, so that all of it belongs to this one."""

    def __init__(self) -> None:
        self.by_store = {}
        self.alone = False


async def _commands(link: RedisLink) -> Counter[str] | None:
    try:
        stats = await link.call(lambda client: client.info("commandstats"))
    except Unavailable:
        return None
    counts = Counter({name.removeprefix("cmdstat_"): one["calls"] for name, one in stats.items()})
    return Counter({name: count for name, count in counts.items() if name not in HEARTBEATS})


@asynccontextmanager
async def open_stores(urls: Mapping[str, str]) -> AsyncIterator[dict[str, RedisLink]]:
    """Open a link to each store."""
    async with AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(open_redis(url, max_connections=8)) for name, url in urls.items()}
