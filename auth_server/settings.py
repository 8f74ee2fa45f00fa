"""What an auth server is told."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from core.keys import UnfitKey, strong_secret
from core.settings import CommaSeparated, HttpUrl, LoginSettings, RedisUrl, Secret, SettingsError

Algorithm = Literal["HS256", "Ed25519", "ES256", "RS256"]


class AuthSettings(LoginSettings):
    """Settings of an auth server."""

    secret_fields: ClassVar[tuple[str, ...]] = ("lab_secret", "auth_master_secret")

    port: int = Field(default=8471, ge=0, le=65535)
    """The port to listen on."""
    auth_issuer: HttpUrl = "http://127.0.0.1:8471"
    """The `iss` of its tokens, compared as a whole."""
    auth_audiences: CommaSeparated = ("authlab-api",)
    """Whom tokens may be for; the first is the default."""
    auth_algorithm: Algorithm = "HS256"
    """`HS256`, `Ed25519`, `ES256` or `RS256`."""
    auth_master_secret: Secret | None = None
    """What HS256 keys are derived from: base64url of at least 32 random bytes."""
    auth_keys_dir: Path | None = None
    """Where keys are kept. An empty directory gets its first key at the start."""
    auth_audience_keys_dir: Path | None = None
    """Where each audience's HS256 key set is written for its resource servers, now and at every rotation."""
    auth_jwks_max_age_s: int = Field(default=300, ge=1, le=86400)
    """How long others may keep the published keys."""
    auth_access_ttl_s: int = Field(default=300, ge=1, le=86400)
    """How long an access token lives, less up to 5 % at random."""
    auth_refresh_ttl_s: int = Field(default=2592000, ge=1)
    """How long a login can be refreshed at all."""
    auth_refresh_idle_ttl_s: int = Field(default=604800, ge=1)
    """How long one refresh token waits for its use."""
    auth_redis_url: RedisUrl = ""
    """Accounts, logins and revocations. Empty: access tokens only."""
    auth_accounts_file: Path | None = None
    """Who may log in, as TOML; seeded into Redis where there is one."""
    auth_clients_file: Path | None = None
    """Which clients there are, as TOML; it replaces the demo's."""

    def check(self) -> None:
        """Refuse a missing or weak master secret, and settings that cannot work together."""
        super().check()
        self.require_encrypted_transport("auth_issuer", self.auth_issuer)
        if not self.auth_audiences:
            raise SettingsError("AUTH_AUDIENCES names no audience")
        if self.auth_algorithm == "HS256" and self.auth_master_secret is None:
            raise SettingsError("AUTH_MASTER_SECRET is missing: base64url text of at least 32 random bytes")
        if self.auth_algorithm != "HS256" and self.auth_keys_dir is None:
            raise SettingsError(f"AUTH_KEYS_DIR is missing: AUTH_ALGORITHM={self.auth_algorithm} keeps its keys there")
        if self.auth_master_secret is not None:
            self.master()

    def master(self) -> bytes | None:
        """Return the master secret that was configured; raise `SettingsError` for a weak one."""
        if self.auth_master_secret is None:
            return None
        try:
            return strong_secret(self.auth_master_secret.get_secret_value())
        except UnfitKey as error:
            raise SettingsError(f"AUTH_MASTER_SECRET is too weak: {error}") from None
