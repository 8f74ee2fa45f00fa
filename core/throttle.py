"""Slow down guessing: per account, per address and overall, in Redis so that all servers count together, else here.

An account is never locked: after a run of failures each further attempt has to wait a little longer, up to a minute,
and a right login resets it. While failures pour in from everywhere that run is short, one failure, for every account;
nobody is shut out by it. A caller who is signed in already is not disturbed, because nothing here is asked for a
credential.
"""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from core import redis_keys
from core.errors import Throttled, Unavailable
from core.redis_link import RedisLink, Script
from core.settings import DEFAULT_RATE_OVERALL, LoginSettings

MAX_FAILURES = 100
"""Consecutive failures that an account may ever have within an hour (NIST SP 800-63B-4 §3.2.2)."""
_LONGEST_WAIT_S = 60
_MEMORY_S = 3600
_WINDOW_S = 60
_MAX_REMEMBERED = 10_000
_FREE_FAILURES_UNDER_ATTACK = 1
"""For all accounts, while failures overall are beyond their limit: a few guesses at each of many add up."""
_IPV4, _IPV4_BITS, _IPV6_BITS = 4, 32, 64


def address_prefix(address: str) -> str:
    """Return what counts as one source: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    return str(
        ipaddress.ip_network(
            (parsed, _IPV4_BITS if parsed.version == _IPV4 else _IPV6_BITS), strict=False
        ).network_address
    )


class Throttle(Protocol):
    """Decides whether a login may be tried."""

    async def admit(self, username: str, address: str) -> None:
        """Return if an attempt may be made now; raise `Throttled` with the wait if not."""

    async def failed(self, username: str, address: str) -> None:
        """Record a failed attempt."""

    async def succeeded(self, username: str) -> None:
        """Forget the account's failures; raise `Throttled` if there were too many while this attempt was under way."""


def wait_s(failures: int, free_failures: int) -> float:
    """Return how long after the last failure the next attempt must wait."""
    if failures < free_failures:
        return 0.0
    if failures >= MAX_FAILURES:
        return float(_MEMORY_S)
    return float(min(2 ** min(failures - free_failures, 10), _LONGEST_WAIT_S))


class LocalThrottle:
    """Counts in this process alone: what is left when Redis is away, and all there is without one."""

    def __init__(
        self,
        *,
        per_account: int,
        per_address: int,
        overall: int = DEFAULT_RATE_OVERALL,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_account = per_account
        self._per_address = per_address
        self._limit_overall = overall
        self._overall = (0, monotonic())
        self._monotonic = monotonic
        self._accounts: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._addresses: OrderedDict[str, tuple[int, float]] = OrderedDict()

    async def admit(self, username: str, address: str) -> None:
        """Return if an attempt may be made now; raise `Throttled` with the wait if not."""
        now = self._monotonic()
        failures, last_s = self._accounts.get(username, (0, now))
        free_failures = self._free_failures(now)
        if failures >= free_failures:
            left_s = last_s + wait_s(failures, free_failures) - now
            if left_s > 0:
                raise Throttled("account", retry_after_s=left_s)
            _remember(self._accounts, username, (failures, now))  # one attempt at a time from here on
        failures, since_s = self._addresses.get(address_prefix(address), (0, now))
        if failures >= self._per_address and now - since_s < _WINDOW_S:
            raise Throttled("address", retry_after_s=since_s + _WINDOW_S - now)

    async def failed(self, username: str, address: str) -> None:
        """Record a failed attempt."""
        now = self._monotonic()
        failures, last_s = self._accounts.get(username, (0, now))
        _remember(self._accounts, username, (1 if now - last_s > _MEMORY_S else failures + 1, now))
        prefix = address_prefix(address)
        failures, since_s = self._addresses.get(prefix, (0, now))
        _remember(self._addresses, prefix, _counted(failures, since_s, now))
        self._overall = _counted(*self._overall, now)

    async def succeeded(self, username: str) -> None:
        """Forget the account's failures; raise `Throttled` if there were too many while this attempt was under way."""
        if self._accounts.get(username, (0, 0.0))[0] >= MAX_FAILURES:
            raise Throttled("account", retry_after_s=_MEMORY_S)
        self.forget(username)

    def forget(self, username: str) -> None:
        """Forget the account's failures."""
        self._accounts.pop(username, None)

    def _free_failures(self, now: float) -> int:
        failures, since_s = self._overall
        under_attack = failures >= self._limit_overall and now - since_s < _WINDOW_S
        return min(self._per_account, _FREE_FAILURES_UNDER_ATTACK) if under_attack else self._per_account


def _counted(failures: int, since_s: float, now: float) -> tuple[int, float]:
    """Count one more failure in the window that began at `since_s`, or begin a new one."""
    return (1, now) if now - since_s >= _WINDOW_S else (failures + 1, since_s)


def _remember(counts: OrderedDict[str, tuple[int, float]], name: str, value: tuple[int, float]) -> None:
    counts[name] = value
    counts.move_to_end(name)
    if len(counts) > _MAX_REMEMBERED:
        counts.popitem(last=False)


_ADMIT = Script("""
-- KEYS: failures of the account, from the address, overall. ARGV: free failures, failures allowed at all, longest wait
-- (s), memory (s), failures per window from an address, overall, free failures beyond that.
-- Returns who refuses and for how many ms; nobody and 0 to admit.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local seen = redis.call('HMGET', KEYS[1], 'failures', 'last_ms')
local failures, free = tonumber(seen[1] or '0'), tonumber(ARGV[1])
if tonumber(redis.call('GET', KEYS[3]) or '0') >= tonumber(ARGV[6]) then free = math.min(free, tonumber(ARGV[7])) end
if failures >= free then
    local wait = math.min(2 ^ math.min(failures - free, 10), tonumber(ARGV[3])) * 1000
    if failures >= tonumber(ARGV[2]) then wait = ARGV[4] * 1000 end
    local left = tonumber(seen[2]) + wait - now
    if left > 0 then return {'account', math.ceil(left)} end
    redis.call('HSET', KEYS[1], 'last_ms', now) -- one attempt at a time from here on
end
if tonumber(redis.call('GET', KEYS[2]) or '0') >= tonumber(ARGV[5]) then
    return {'address', math.max(1, redis.call('PTTL', KEYS[2]))}
end
return {'', 0}
""")

_FAILED = Script("""
-- KEYS: failures of the account, from the address, overall. ARGV: memory (s), window (s).
local time = redis.call('TIME')
redis.call('HINCRBY', KEYS[1], 'failures', 1)
redis.call('HSET', KEYS[1], 'last_ms', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('EXPIRE', KEYS[1], ARGV[1])
for i = 2, 3 do
    if redis.call('INCR', KEYS[i]) == 1 then redis.call('EXPIRE', KEYS[i], ARGV[2]) end
end
""")


_SUCCEEDED = Script("""
-- KEYS: failures of the account. ARGV: failures allowed at all. Returns 0 when they were too many.
-- A burst of guesses is admitted before the first has failed: the right one among them must not count after too many.
if tonumber(redis.call('HGET', KEYS[1], 'failures') or '0') >= tonumber(ARGV[1]) then return 0 end
redis.call('DEL', KEYS[1])
return 1
""")


class SharedThrottle:
    """Counts in Redis, atomically; falls back on the local counts when Redis does not answer: never unlimited."""

    def __init__(
        self,
        link: RedisLink,
        local: LocalThrottle,
        *,
        per_account: int,
        per_address: int,
        overall: int = DEFAULT_RATE_OVERALL,
    ) -> None:
        self._link = link
        self._local = local
        self._limits: list[str | bytes | int | float] = [
            per_account, MAX_FAILURES, _LONGEST_WAIT_S, _MEMORY_S, per_address, overall, _FREE_FAILURES_UNDER_ATTACK
        ]  # fmt: skip

    async def admit(self, username: str, address: str) -> None:
        """Return if an attempt may be made now; raise `Throttled` with the wait if not."""
        keys = _keys(username, address)
        try:
            refused_by, wait_ms = await self._link.run(_ADMIT, keys, self._limits)
        except Unavailable:
            await self._local.admit(username, address)
            return
        if wait_ms:
            raise Throttled(refused_by.decode(), retry_after_s=wait_ms / 1000)

    async def failed(self, username: str, address: str) -> None:
        """Record a failed attempt, here and in Redis."""
        await self._local.failed(username, address)
        try:
            await self._link.run(_FAILED, _keys(username, address), [_MEMORY_S, _WINDOW_S])
        except Unavailable:
            return

    async def succeeded(self, username: str) -> None:
        """Forget the account's failures; raise `Throttled` if there were too many while this attempt was under way."""
        try:
            forgotten = await self._link.run(_SUCCEEDED, [_account_key(username)], [MAX_FAILURES])
        except Unavailable:
            await self._local.succeeded(username)
            return
        if not forgotten:
            raise Throttled("account", retry_after_s=_MEMORY_S)
        self._local.forget(username)


def make_throttle(settings: LoginSettings, link: RedisLink | None) -> Throttle:
    """Return what the settings ask for; without Redis each process counts alone."""
    per_account, per_address = settings.login_rate_per_account, settings.login_rate_per_address
    overall = max(settings.login_rate_overall, per_address)  # what one address may do is no attack from everywhere
    local = LocalThrottle(per_account=per_account, per_address=per_address, overall=overall)
    if link is None:
        return local
    return SharedThrottle(link, local, per_account=per_account, per_address=per_address, overall=overall)


def _keys(username: str, address: str) -> list[str]:
    return [_account_key(username), _address_key(address), redis_keys.throttle("overall", "all")]


def _account_key(username: str) -> str:
    """Name the counter by a hash: what was typed as a user name may be a password."""
    return redis_keys.throttle("account", redis_keys.hashed(username))


def _address_key(address: str) -> str:
    return redis_keys.throttle("address", address_prefix(address))
