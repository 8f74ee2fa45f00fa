"""Memory session: the textbook's session, a dictionary in the server's own process.

Cost: a dictionary hit. An ended session is refused with the next request, on this one server; no other server has
ever heard of it, so a second server does not know you, and a restart forgets everybody.
"""

import time
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import ClassVar, Self

from core import redis_keys
from core.contract import Promise
from core.errors import Rejected
from core.subject import Subject
from session_server.session import MAX_SESSIONS_PER_ACCOUNT, Session, SessionEntry
from session_server.settings import SessionSettings

MAX_SESSIONS = 100_000


class _Remembered:
    """A session and when it was used last, in seconds of the monotonic clock and of the wall clock."""

    __slots__ = ("last_used_at", "session", "used_s")

    def __init__(self, session: Session, used_s: float, last_used_at: float) -> None:
        self.session = session
        self.used_s = used_s
        self.last_used_at = last_used_at


class MemorySessions:
    """Look into this process' own dictionary."""

    promise: ClassVar[Promise] = Promise(
        lookups_per_request=0,
        revoked_within=timedelta(0),
        without_its_store="unaffected",
        teaches="the textbook session; a second server does not know you",
    )
    checks = ("cookie", "lookup", "expiry", "csrf")

    def __init__(self, settings: SessionSettings, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._clock: Callable[[], float] = settings.clock()
        self._monotonic = monotonic
        self._idle_s = settings.session_idle_ttl_s
        self._absolute_s = settings.session_absolute_ttl_s
        self._sessions: OrderedDict[str, _Remembered] = OrderedDict()
        self._by_sub: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._cutoffs: dict[str, float] = {}

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: SessionSettings) -> AsyncIterator[Self]:
        """Start with nobody."""
        yield cls(settings)

    async def verify(self, credential: str) -> Subject:
        """Return whose session it is."""
        id_hash = redis_keys.hashed(credential)
        remembered = self._sessions.get(id_hash)
        if remembered is None:
            raise Rejected("lookup")
        now, now_s = self._clock(), self._monotonic()
        subject = remembered.session.subject
        if now_s - remembered.used_s >= self._idle_s or now >= subject.issued_at + self._absolute_s:
            self._forget(id_hash)
            raise Rejected("expiry")
        remembered.used_s, remembered.last_used_at = now_s, now
        self._sessions.move_to_end(id_hash)
        return subject

    def not_ready(self) -> str | None:
        """Ready always."""
        return None

    async def now(self) -> float:
        """Return this process' own time."""
        return self._clock()

    async def create(self, id_hash: str, session: Session, *, replaces: str | None) -> bool:
        """Remember a session, unless the account's cut-off has come since it began."""
        sub = session.subject.id
        if session.created_at <= self._cutoffs.get(sub, -1.0):
            return False
        if replaces is not None:
            self._forget(replaces)
        self._sessions[id_hash] = _Remembered(session, self._monotonic(), self._clock())
        self._by_sub[sub][id_hash] = None
        if len(self._by_sub[sub]) > MAX_SESSIONS_PER_ACCOUNT:
            self._forget(next(iter(self._by_sub[sub])))
        if len(self._sessions) > MAX_SESSIONS:
            self._forget(next(iter(self._sessions)))
        return True

    async def end(self, sub: str, id_hash: str) -> None:
        """Forget one session."""
        _ = sub
        self._forget(id_hash)

    async def end_all(self, sub: str) -> None:
        """Forget every session of the account."""
        self._cutoffs[sub] = self._clock()
        for id_hash in list(self._by_sub.get(sub, ())):
            self._forget(id_hash)

    async def all_of(self, sub: str) -> list[SessionEntry]:
        """Return the account's sessions."""
        found = [(id_hash, self._sessions[id_hash]) for id_hash in self._by_sub.get(sub, ())]
        found.sort(key=lambda item: item[1].used_s, reverse=True)
        return [
            SessionEntry(one.session.handle, one.session.created_at, one.last_used_at, one.session.user_agent, id_hash)
            for id_hash, one in found
        ]

    def _forget(self, id_hash: str) -> None:
        remembered = self._sessions.pop(id_hash, None)
        if remembered is None:
            return
        sub = remembered.session.subject.id
        self._by_sub[sub].pop(id_hash, None)
        if not self._by_sub[sub]:
            del self._by_sub[sub]
