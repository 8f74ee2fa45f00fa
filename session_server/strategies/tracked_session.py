"""Tracked session: look a session up once, then remember it for as long as Redis has not said that it changed.

Cost: for a session seen before, a dictionary hit; else one store read. Redis pushes the names of changed sessions
within milliseconds. While Redis is silent, what is remembered serves for `SESSION_MAX_STALE_S` at most; then every
request asks, and is refused (503) where nobody answers.
"""

from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from time import monotonic
from typing import ClassVar, Self

from core import redis_keys
from core.contract import Promise
from core.errors import Rejected
from core.subject import Subject
from session_server.session import Session, SessionEntry, from_json
from session_server.settings import SessionSettings
from session_server.strategies.redis_session import CHECKS, RedisSessions
from session_server.tracking import Tracking, open_tracking

MAX_REMEMBERED = 100_000


class _Read:
    """One read that is under way, and whether word of a change came meanwhile."""

    __slots__ = ("overtaken",)

    def __init__(self) -> None:
        self.overtaken = False


class TrackedSessions:
    """Remember what Redis keeps current."""

    promise: ClassVar[Promise] = Promise(
        lookups_per_request=0,
        revoked_within=timedelta(seconds=1),
        without_its_store="serves for a bounded time",
        teaches="Redis tells each server which sessions changed",
    )
    checks = CHECKS

    def __init__(self, sessions: RedisSessions, tracking: Tracking) -> None:
        self._sessions = sessions
        self._reads = sessions.reads
        self._tracking = tracking
        self._remembered: OrderedDict[str, tuple[Session, float]] = OrderedDict()
        self._being_read: dict[str, set[_Read]] = {}
        tracking.follow(self._changed)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: SessionSettings) -> AsyncIterator[Self]:
        """Open the store, and the connection on which it tells of changes."""
        url = settings.need_redis()
        async with (
            RedisSessions.open(settings) as sessions,
            open_tracking(url, max_stale_s=settings.session_max_stale_s) as tracking,
        ):
            yield cls(sessions, tracking)

    async def verify(self, credential: str) -> Subject:
        """Return whose session it is."""
        id_hash = redis_keys.hashed(credential)
        if self._tracking.is_current():
            remembered = self._remembered.get(id_hash)
            if remembered is not None and monotonic() < remembered[1]:
                self._remembered.move_to_end(id_hash)
                return self._sessions.used(id_hash, remembered[0]).subject
        session = await self._read(id_hash)
        return self._sessions.used(id_hash, session).subject

    async def _read(self, id_hash: str) -> Session:
        """Look a session up and remember it, unless word of a change came while it was being read."""
        read = _Read()
        self._being_read.setdefault(id_hash, set()).add(read)
        asked_s = monotonic()
        try:
            text, left_ms = await self._reads.get_with_life(redis_keys.session(id_hash))
        finally:
            self._done_reading(id_hash, read)
        if text is None:
            raise Rejected("lookup")
        session = from_json(text)
        if not read.overtaken and self._tracking.is_current():
            self._remembered[id_hash] = (session, asked_s + left_ms / 1000)
            if len(self._remembered) > MAX_REMEMBERED:
                self._remembered.popitem(last=False)
        return session

    def _done_reading(self, id_hash: str, read: "_Read") -> None:
        reads = self._being_read.get(id_hash, set())
        reads.discard(read)
        if not reads:
            self._being_read.pop(id_hash, None)

    def _changed(self, id_hash: str | None) -> None:
        """Forget a session that changed, None for all; whoever is reading it just now must not remember the answer."""
        if id_hash is None:
            self._remembered.clear()
        else:
            self._remembered.pop(id_hash, None)
        for name in list(self._being_read) if id_hash is None else [id_hash]:
            for read in self._being_read.get(name, ()):
                read.overtaken = True

    def __len__(self) -> int:
        return len(self._remembered)

    def not_ready(self) -> str | None:
        """Ready always; without tracking every request asks."""
        return None

    async def now(self) -> float:
        """Return Redis' own time."""
        return await self._sessions.now()

    async def create(self, id_hash: str, session: Session, *, replaces: str | None) -> bool:
        """Remember a session in the store."""
        return await self._sessions.create(id_hash, session, replaces=replaces)

    async def end(self, sub: str, id_hash: str) -> None:
        """Delete one session; this server forgets it at once, the others when Redis tells them."""
        await self._sessions.end(sub, id_hash)
        self._changed(id_hash)

    async def end_all(self, sub: str) -> None:
        """Delete every session of the account; this server asks again for all it knows."""
        await self._sessions.end_all(sub)
        self._changed(None)

    async def all_of(self, sub: str) -> list[SessionEntry]:
        """Return the account's live sessions."""
        return await self._sessions.all_of(sub)
