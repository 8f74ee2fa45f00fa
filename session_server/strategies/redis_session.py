"""Redis session: the cookie names a session that all servers look up in one shared store.

Cost: one Redis GET per request, merged with those of other requests of the same moment. The store is the truth: an
ended session is refused everywhere with the next request, and when the store is away nobody is recognised (503).
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import ClassVar, Self

from core import redis_keys
from core.contract import Promise
from core.errors import Rejected
from core.reads import CoalescedReads
from core.redis_link import RedisLink, Script, open_redis
from core.subject import Subject
from session_server.session import MAX_SESSIONS_PER_ACCOUNT, Session, SessionEntry, from_json, to_json
from session_server.settings import SessionSettings
from session_server.touches import Touches

CHECKS = ("cookie", "lookup", "expiry", "csrf")

_CREATE = Script("""
-- KEYS: the session, the account's index, its cut-off. ARGV: session JSON, its hash, began ms, idle ms, absolute ms,
-- most sessions, prefix of session keys, hash of the session it replaces ('' for none).
-- Returns 0 when the cut-off came after the login began.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if tonumber(ARGV[3]) <= tonumber(redis.call('GET', KEYS[3]) or '-1') then return 0 end
if ARGV[8] ~= '' then
    redis.call('DEL', ARGV[7] .. ARGV[8])
    redis.call('ZREM', KEYS[2], ARGV[8])
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', math.min(tonumber(ARGV[4]), tonumber(ARGV[5])))
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now - ARGV[4] * 1.2))
local surplus = redis.call('ZCARD', KEYS[2]) + 1 - tonumber(ARGV[6])
if surplus > 0 then
    for _, oldest in ipairs(redis.call('ZRANGE', KEYS[2], 0, surplus - 1)) do
        redis.call('DEL', ARGV[7] .. oldest)
        redis.call('ZREM', KEYS[2], oldest)
    end
end
redis.call('ZADD', KEYS[2], string.format('%.0f', now), ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return 1
""")

_END = Script("""
-- KEYS: the session, the account's index. ARGV: its hash.
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('DEL', KEYS[1])
""")

_END_ALL = Script("""
-- KEYS: the account's index, its cut-off. ARGV: prefix of session keys, cut-off life ms.
local time = redis.call('TIME')
redis.call('SET', KEYS[2], string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)), 'PX', ARGV[2])
for _, id_hash in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do redis.call('DEL', ARGV[1] .. id_hash) end
redis.call('DEL', KEYS[1])
return 1
""")


class RedisSessions:
    """Look up in the shared store each time."""

    promise: ClassVar[Promise] = Promise(
        lookups_per_request=1,
        revoked_within=timedelta(0),
        without_its_store="refuses",
        teaches="the shared store: one truth, one dependency",
    )
    checks = CHECKS

    def __init__(self, settings: SessionSettings, link: RedisLink) -> None:
        self.link = link
        self.reads = CoalescedReads(link)
        self._clock: Callable[[], float] = settings.clock()
        self._idle_s = settings.session_idle_ttl_s
        self._absolute_s = settings.session_absolute_ttl_s
        self.touches = Touches(link, idle_s=self._idle_s, absolute_s=self._absolute_s, clock=self._clock)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: SessionSettings) -> AsyncIterator[Self]:
        """Open the store."""
        async with open_redis(settings.need_redis()) as link:
            sessions = cls(settings, link)
            yield sessions
            await sessions.touches.close()

    async def verify(self, credential: str) -> Subject:
        """Return whose session it is."""
        id_hash = redis_keys.hashed(credential)
        text = await self.reads.get(redis_keys.session(id_hash))
        if text is None:
            raise Rejected("lookup")
        return self.used(id_hash, from_json(text)).subject

    def used(self, id_hash: str, session: Session) -> Session:
        """Hold a session that was found against its absolute end, and note that it was used."""
        created_at = session.subject.issued_at
        if self._clock() >= created_at + self._absolute_s:
            raise Rejected("expiry")
        self.touches.used(id_hash, session.subject.id, created_at)
        return session

    def not_ready(self) -> str | None:
        """Ready always; whether the store answers is found out with each request."""
        return None

    async def now(self) -> float:
        """Return Redis' own time."""
        return await self.link.now()

    async def create(self, id_hash: str, session: Session, *, replaces: str | None) -> bool:
        """Remember a session, unless the account's cut-off has come since it began: one atomic call."""
        sub = session.subject.id
        keys = [redis_keys.session(id_hash), redis_keys.sessions(sub), redis_keys.session_cutoff(sub)]
        return bool(
            await self.link.run(
                _CREATE, keys,
                [
                    to_json(session), id_hash, round(session.created_at * 1000), self._idle_s * 1000,
                    self._absolute_s * 1000, MAX_SESSIONS_PER_ACCOUNT, redis_keys.SESSION_PREFIX, replaces or "",
                ],
                lasting=True,
            )
        )  # fmt: skip

    async def end(self, sub: str, id_hash: str) -> None:
        """Delete one session: one atomic call."""
        await self.link.run(_END, [redis_keys.session(id_hash), redis_keys.sessions(sub)], [id_hash], lasting=True)

    async def end_all(self, sub: str) -> None:
        """Set the cut-off and delete every session of the account: one atomic call."""
        keys = [redis_keys.sessions(sub), redis_keys.session_cutoff(sub)]
        cutoff_life_ms = (self._absolute_s + 60) * 1000
        await self.link.run(_END_ALL, keys, [redis_keys.SESSION_PREFIX, cutoff_life_ms], lasting=True)

    async def all_of(self, sub: str) -> list[SessionEntry]:
        """Return the account's live sessions."""
        rows = await self.link.call(lambda client: client.zrevrange(redis_keys.sessions(sub), 0, -1, withscores=True))
        if not rows:
            return []
        names = [redis_keys.session(id_hash.decode()) for id_hash, _ in rows]
        texts = await self.link.call(lambda client: client.mget(names))
        entries = []
        for (id_hash, last_used_ms), text in zip(rows, texts, strict=True):
            if text is not None:
                session = from_json(text)
                entries.append(
                    SessionEntry(
                        session.handle, session.created_at, last_used_ms / 1000, session.user_agent, id_hash.decode()
                    )
                )
        return entries
