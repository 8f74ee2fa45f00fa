"""Logins and their refresh-token families in Redis. Every change is one atomic Lua call, safe to repeat.

Only hashes of refresh tokens are stored. A successor is derived from the token it follows, under a key that Redis never
sees, so a retry finds the same one and nothing in the store can be replayed.
"""

import hmac
import secrets
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from auth_server.settings import AuthSettings
from core import redis_keys
from core.redis_link import RedisLink, Script
from core.strict_json import base64url_text

REUSE_GRACE_S = 10
MAX_LOGINS_PER_ACCOUNT = 100
"""The oldest one ends when another begins (ASVS 7.1.2)."""
MARK_SLACK_S = 60
"""How much longer than the tokens it concerns a mark lives: for clocks that disagree."""


def _lua(name: str) -> str:
    return (files("auth_server") / "lua" / f"{name}.lua").read_text(encoding="utf-8")


_PRELUDE = _lua("prelude")
_SCRIPTS = {
    name: _PRELUDE + _lua(name)
    for name in (
        "begin", "create_login", "rotate_refresh", "end_login", "end_all_logins", "end_family", "revoke_token",
    )
}  # fmt: skip
"""Read once at import: an event loop never waits for a disk."""


@dataclass(frozen=True, slots=True)
class NewLogin:
    """A login that is about to be remembered."""

    sub: str
    client_id: str
    scopes: tuple[str, ...]
    audience: str
    token_format: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh token stood for, and its successor."""

    sub: str
    sid: str
    scopes: tuple[str, ...]
    audience: str
    token_format: str
    issued_at: float
    successor: str


class RefreshRefused(Exception):
    """The refresh token is not good (any more). `reason` is `unknown`, `foreign`, `again`, `reused` or `scope`."""

    def __init__(self, reason: str, sub: str | None = None, sid: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sub = sub
        self.sid = sid


class Logins:
    """The token side's memory."""

    def __init__(self, link: RedisLink, settings: AuthSettings, refresh_secret: bytes) -> None:
        self._link = link
        self._secret = refresh_secret
        self._absolute_ms = settings.auth_refresh_ttl_s * 1000
        self._idle_ms = settings.auth_refresh_idle_ttl_s * 1000
        self._life_ms = (settings.auth_access_ttl_s + MARK_SLACK_S) * 1000
        self._scripts = {name: Script(source) for name, source in _SCRIPTS.items()}

    async def _run(self, name: str, *arguments: str | float) -> Any:
        """Run a script; the first argument of each names the epoch, should a new one begin."""
        return await self._link.run(
            self._scripts[name], [], [secrets.token_hex(8), *arguments], lasting=name != "begin"
        )

    async def begin(self) -> float:
        """Return the moment, on Redis' clock, from which a login counts as begun. Keeps the revocation epoch alive."""
        return int(await self._run("begin")) / 1000

    async def create(self, login: NewLogin, began_at: float) -> tuple[str, str, float] | None:
        """Remember a login; return sid, refresh token and moment of issue, None when a cut-off overtook it."""
        sid, token = secrets.token_urlsafe(16), secrets.token_urlsafe(32)
        issued_ms = await self._run(
            "create_login", login.sub, sid, round(began_at * 1000), login.client_id, " ".join(login.scopes),
            login.audience, login.token_format, login.user_agent, redis_keys.hashed(token),
            self._absolute_ms, self._idle_ms, MAX_LOGINS_PER_ACCOUNT, self._life_ms,
        )  # fmt: skip
        return None if issued_ms is None else (sid, token, int(issued_ms) / 1000)

    async def refresh(self, token: str, *, client_id: str, wanted: tuple[str, ...]) -> Refreshed:
        """Use a refresh token and return what it stood for; raise `RefreshRefused`. Reuse ends the whole family."""
        successor = self._successor(token)
        answer = await self._run(
            "rotate_refresh", redis_keys.hashed(token), redis_keys.hashed(successor), client_id, " ".join(wanted),
            self._idle_ms, REUSE_GRACE_S * 1000, self._life_ms,
        )  # fmt: skip
        result, *fields = [field.decode() for field in answer]
        if result != "ok":
            raise RefreshRefused(result, *fields)
        sub, sid, scope, audience, token_format, now_ms = fields
        return Refreshed(
            sub, sid, wanted or tuple(scope.split()), audience, token_format, int(now_ms) / 1000, successor
        )

    def _successor(self, token: str) -> str:
        return base64url_text(hmac.digest(self._secret, token.encode(), "sha256"))

    async def end(self, sub: str, sid: str, *, even_unknown: bool = False) -> bool:
        """End one login and its access tokens; tell whether the account had it."""
        return bool(await self._run("end_login", sub, sid, self._life_ms, "1" if even_unknown else "0"))

    async def end_all(self, sub: str) -> None:
        """End every login of an account so far, also one that is being created now."""
        cutoff_life_ms = self._absolute_ms + self._life_ms
        await self._run("end_all_logins", sub, self._life_ms, cutoff_life_ms)

    async def end_family(self, refresh_token: str, client_id: str) -> bool:
        """End the login that a refresh token of this client belongs to; tell whether there was one."""
        return bool(await self._run("end_family", redis_keys.hashed(refresh_token), client_id, self._life_ms))

    async def revoke_token(self, jti: str, expires_at: float) -> None:
        """Refuse one access token from now on."""
        await self._run("revoke_token", jti, round((expires_at + MARK_SLACK_S) * 1000))

    async def all_of(self, sub: str) -> list[dict[str, Any]]:
        """Return the account's logins, youngest use first, as `{handle, created_at, last_used_at, user_agent}`."""
        sids = await self._link.call(lambda client: client.zrevrange(redis_keys.logins(sub), 0, -1))

        async def read(client: Any) -> Any:
            pipeline = client.pipeline(transaction=False)
            for sid in sids:
                pipeline.hmget(redis_keys.login(sid.decode()), "created", "last_used", "user_agent")
            return await pipeline.execute()

        rows = await self._link.call(read) if sids else []
        return [
            {
                "handle": sid.decode(),
                "created_at": int(created) / 1000,
                "last_used_at": int(last_used) / 1000,
                "user_agent": user_agent.decode(),
            }
            for sid, (created, last_used, user_agent) in zip(sids, rows, strict=True)
            if created is not None
        ]

    async def keep_opaque(self, token: str, claims: bytes, life_s: float) -> None:
        """Remember what an opaque access token stands for until it expires."""
        name = redis_keys.opaque(redis_keys.hashed(token))
        await self._link.call(lambda client: client.set(name, claims, px=max(1, round(life_s * 1000))))

    async def opaque_claims(self, token: str) -> bytes | None:
        """Return what an opaque access token stands for, None when there is no such token."""
        name = redis_keys.opaque(redis_keys.hashed(token))
        claims: bytes | None = await self._link.call(lambda client: client.get(name))
        return claims
