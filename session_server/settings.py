"""What a session server is told."""

import re
from pathlib import Path

from pydantic import Field

from core.settings import CommaSeparated, LoginSettings, RedisUrl, SettingsError


class SessionSettings(LoginSettings):
    """Settings of a session server."""

    port: int = Field(default=8491, ge=0, le=65535)
    """The port to listen on."""
    session_strategy: str = "redis-session"
    """`redis-session`, `tracked-session` or `memory-session`."""
    session_redis_url: RedisUrl = ""
    """Where sessions are."""
    session_accounts_redis_url: RedisUrl = ""
    """Where accounts are."""
    session_accounts_file: Path | None = None
    """Who may log in, as TOML; seeded into Redis where there is one."""
    session_idle_ttl_s: int = Field(default=1800, ge=1)
    """A session ends when it was not used for so long."""
    session_absolute_ttl_s: int = Field(default=43200, ge=1)
    """A session ends after so long, however it is used."""
    session_cookie_name: str = ""
    """By default `__Host-session` with `Secure`, else `session`."""
    session_cookie_secure: bool = True
    """Whether the cookie is sent over TLS only; HSTS goes with it."""
    session_allowed_origins: CommaSeparated = ()
    """Origins that may change anything, beside the server's own."""
    session_max_stale_s: float = Field(default=2, gt=0)
    """How long `tracked-session` serves from memory without a sign of life from Redis."""

    def check(self) -> None:
        """Refuse a cookie that browsers would refuse, and more than one process for a memory that is in one."""
        super().check()
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", self.cookie_name()):
            raise SettingsError("SESSION_COOKIE_NAME is not a cookie name")
        if self.cookie_name().startswith("__") and not self.session_cookie_secure:
            raise SettingsError("SESSION_COOKIE_NAME has a prefix that needs SESSION_COOKIE_SECURE=true")
        if self.session_strategy == "memory-session" and self.workers > 1:
            raise SettingsError("WORKERS must be 1: memory-session lives in one process")

    def cookie_name(self) -> str:
        """Return the cookie's name; with `Secure` the prefix binds it to this host (RFC 6265bis §4.1.3)."""
        return self.session_cookie_name or ("__Host-session" if self.session_cookie_secure else "session")

    def need_redis(self) -> str:
        """Return the URL of the session store; raise `SettingsError` when the strategy has none."""
        if not self.session_redis_url:
            raise SettingsError(f"SESSION_REDIS_URL is missing: {self.session_strategy} needs it")
        return self.session_redis_url

    def origins(self) -> frozenset[str]:
        """Return the origins that may change anything: this server's own and those allowed."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return frozenset({f"http://{host}:{self.port}", f"https://{host}:{self.port}", *self.session_allowed_origins})
