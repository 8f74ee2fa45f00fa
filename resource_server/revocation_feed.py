"""Follow the revocations: a snapshot of all live marks, then the stream from that very position.

Every entry carries the store's epoch and a sequence number. A changed epoch or a gap takes a new snapshot, which is
merged: a mark that is known here is never dropped before the tokens it concerns have expired, not even if Redis loses
it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from core import redis_keys
from core.access_token import VerifiedToken
from core.background import running_beside
from core.errors import Rejected, Unavailable
from core.logs import audit
from core.redis_link import RedisLink, Script, open_redis
from core.revocation import CHECK, Epoch, issued_at_ms, parse_epoch
from resource_server.settings import ResourceSettings

_LONGEST_BLOCK_S = 1.0
_ANSWER_S = 0.3
_ENTRIES_PER_READ = 1000
_FORGET_EVERY_S = 10.0
_CLOCK_SLACK_MS = 60_000

_SNAPSHOT = Script("""
-- All live marks with the position that they are complete up to, in one call.
-- KEYS: epoch, sequence, marks, stream. Returns epoch, sequence, id of the last entry, marks with their ends.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = redis.call('XREVRANGE', KEYS[4], '+', '-', 'COUNT', 1)
return {redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2]) or '0', last[1] and last[1][1] or '0-0',
    redis.call('ZRANGEBYSCORE', KEYS[3], string.format('(%.0f', now), '+inf', 'WITHSCORES')}
""")


class Marks:
    """The revocations that this process knows, each until the tokens that it concerns have expired."""

    def __init__(self) -> None:
        self._until_ms: dict[tuple[str, str], int] = {}
        self._cutoffs_ms: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._until_ms)

    def add(self, kind: str, value: str, at_ms: int, until_ms: int) -> None:
        """Learn a mark; a later one of the same never weakens an earlier one."""
        name = (kind, value)
        self._until_ms[name] = max(until_ms, self._until_ms.get(name, 0))
        if kind == "sub":
            self._cutoffs_ms[value] = max(at_ms, self._cutoffs_ms.get(value, 0))

    def concern(self, token: VerifiedToken) -> bool:
        """Tell whether a token was taken back."""
        cutoff_ms = self._cutoffs_ms.get(token.subject.id)
        if cutoff_ms is not None and issued_at_ms(token) <= cutoff_ms:
            return True
        until_ms = self._until_ms
        return ("sid", token.sid) in until_ms or ("jti", token.jti) in until_ms

    def forget_expired(self, now_ms: int) -> None:
        """Drop marks whose tokens have all expired."""
        for name in [name for name, until_ms in self._until_ms.items() if until_ms + _CLOCK_SLACK_MS < now_ms]:
            del self._until_ms[name]
            if name[0] == "sub":
                self._cutoffs_ms.pop(name[1], None)


class RevocationFeed:
    """This process' own copy of the revocations, and how fresh it is."""

    def __init__(
        self,
        link: RedisLink,
        *,
        max_stale_s: float,
        block_s: float,
        clock: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._link = link
        self._max_stale_s = max_stale_s
        self._block_ms = max(1, round(block_s * 1000))
        self._clock = clock
        self._monotonic = monotonic
        self._epoch: Epoch | None = None
        self._sequence = 0
        self._position = b"0-0"
        self._heard_s: float | None = None
        self._forgot_s = 0.0
        self._interrupted = False
        self.marks = Marks()

    def age_s(self) -> float:
        """Return how long ago Redis last proved that nothing is missing here, in seconds."""
        return float("inf") if self._heard_s is None else self._monotonic() - self._heard_s

    def not_ready(self) -> str | None:
        """Say that the list is not there yet, or too old."""
        if self._epoch is None:
            return "no snapshot of the revocations"
        return "the revocations are out of date" if self.age_s() > self._max_stale_s else None

    def judge(self, token: VerifiedToken) -> None:
        """Return if the token stands; raise `Rejected`, or `Unavailable` when the list is too old to tell."""
        if self.marks.concern(token):
            raise Rejected(CHECK)
        epoch = self._epoch
        if epoch is None or self.age_s() > self._max_stale_s:
            raise Unavailable("feed", retry_after_s=1.0)
        if issued_at_ms(token) < epoch.since_ms:
            raise Rejected(CHECK)

    async def follow(self) -> None:
        """Keep up, for ever; start over after any trouble."""
        while True:
            try:
                await self._load_snapshot()
                while self._epoch is not None:
                    await self._follow_once()
            except Unavailable:
                if not self._interrupted:
                    audit.warning("feed.interrupted", age_s=round(min(self.age_s(), 1e6), 1))
                self._interrupted = True
            await asyncio.sleep(0.05)

    async def _load_snapshot(self) -> None:
        asked_s = self._monotonic()
        names = [
            redis_keys.REVOCATION_EPOCH,
            redis_keys.REVOCATION_SEQUENCE,
            redis_keys.REVOCATION_MARKS,
            redis_keys.REVOCATION_STREAM,
        ]
        epoch, sequence, position, flat = await self._link.run(_SNAPSHOT, names, [])
        for member, until_ms in zip(flat[::2], flat[1::2], strict=True):
            kind, at_ms, value = member.decode().split(" ", 2)
            self.marks.add(kind, value, int(at_ms), int(float(until_ms)))
        self._epoch = parse_epoch(epoch)
        self._sequence, self._position = int(sequence), position
        if self._epoch is not None:
            self._heard_s, self._interrupted = asked_s, False
            audit.info("feed.snapshot", epoch=self._epoch.name, sequence=self._sequence, marks=len(self.marks))

    async def _follow_once(self) -> None:
        """Wait for news, a bounded time; then make sure that none was missed. Raises `Unavailable`."""
        self._take(await self._link.call(lambda client: self._read(client, self._block_ms)))
        asked_s, known = self._monotonic(), self._sequence
        epoch, text = await self._link.call(
            lambda client: client.mget(redis_keys.REVOCATION_EPOCH, redis_keys.REVOCATION_SEQUENCE)
        )
        sequence = int(text or 0)
        if sequence > self._sequence:
            self._take(await self._link.call(lambda client: self._read(client, None)))
        went_back = sequence < known  # a new master does not have what the old one could not pass on any more
        if parse_epoch(epoch) != self._epoch or sequence > self._sequence or went_back:
            await self._load_snapshot()
        else:
            self._heard_s = asked_s
        if asked_s - self._forgot_s > _FORGET_EVERY_S:
            self._forgot_s = asked_s
            self.marks.forget_expired(round(self._clock() * 1000))

    async def _read(self, client: Redis, block_ms: int | None) -> Any:
        streams: Any = {redis_keys.REVOCATION_STREAM: self._position}
        return await client.xread(streams, count=_ENTRIES_PER_READ, block=block_ms)

    def _take(self, answer: Any) -> None:
        """Apply entries in order. A mark counts even where numbers are missing; the caller notices the gap."""
        for _stream, entries in answer or []:
            for position, fields in entries:
                entry = {name.decode(): value.decode() for name, value in fields.items()}
                self.marks.add(entry["kind"], entry["value"], int(entry["at"]), int(entry["until"]))
                self._position = position
                if int(entry["sequence"]) == self._sequence + 1 and entry["epoch"] == self._epoch_text():
                    self._sequence += 1

    def _epoch_text(self) -> str:
        return "" if self._epoch is None else f"{self._epoch.name}:{self._epoch.since_ms}"


@asynccontextmanager
async def open_feed(settings: ResourceSettings) -> AsyncIterator[RevocationFeed]:
    """Follow the revocations in the background. Until the snapshot is in, the feed is not ready."""
    block_s = min(_LONGEST_BLOCK_S, settings.resource_feed_max_stale_s / 4)
    url = settings.need("resource_redis_url")
    async with open_redis(url, max_connections=2, deadline_s=block_s + _ANSWER_S) as link:
        feed = RevocationFeed(
            link, max_stale_s=settings.resource_feed_max_stale_s, block_s=block_s, clock=settings.clock()
        )
        async with running_beside(feed.follow()):
            yield feed
