"""What a resource server is told."""

from typing import ClassVar

from pydantic import Field

from core.keys import KeyRing, UnfitKey, secret_ring
from core.settings import HttpUrl, RedisUrl, Secret, ServerSettings, SettingsError


class ResourceSettings(ServerSettings):
    """Settings of a resource server."""

    secret_fields: ClassVar[tuple[str, ...]] = ("lab_secret", "resource_shared_secret", "resource_client_secret")

    port: int = Field(default=8481, ge=0, le=65535)
    """The port to listen on."""
    resource_strategy: str = "plain-jwt"
    """`plain-jwt`, `denylisted-jwt`, `pushed-jwt` or `introspected-token`."""
    resource_issuer: HttpUrl = "http://127.0.0.1:8471"
    """Whose tokens are taken."""
    resource_audience: str = Field(default="authlab-api", min_length=1, max_length=255)
    """Whom a token must be for."""
    resource_shared_secret: Secret | None = None
    """The HS256 key set of its audience, or one bare secret. A file is read again when it changes."""
    resource_jwks_url: HttpUrl | None = None
    """Where public keys are published, in place of a shared secret."""
    resource_jwks_max_stale_s: float = Field(default=86400, ge=0)
    """How long keys count that could not be fetched again."""
    resource_token_cache: int = Field(default=10000, ge=0, le=1_000_000)
    """How many verified tokens are remembered; 0 remembers none."""
    resource_redis_url: RedisUrl = ""
    """Where revocations are looked up, or sent from."""
    resource_feed_max_stale_s: float = Field(default=5, gt=0)
    """How long `pushed-jwt` serves without a word from its feed."""
    resource_introspection_url: HttpUrl | None = None
    """Where `introspected-token` asks."""
    resource_client_id: str | None = None
    """As whom it asks."""
    resource_client_secret: Secret | None = None
    """With which secret it asks."""

    def check(self) -> None:
        """Refuse a weak secret and URLs that would carry credentials in the clear."""
        super().check()
        if self.resource_shared_secret is not None:
            self.shared_secret_ring()
        if self.resource_jwks_url is not None:
            self.require_encrypted_transport("resource_jwks_url", self.resource_jwks_url)
        if self.resource_introspection_url is not None:
            self.require_encrypted_transport("resource_introspection_url", self.resource_introspection_url)

    def shared_secret_ring(self) -> KeyRing:
        """Return the keys of `RESOURCE_SHARED_SECRET`; raise `SettingsError` for a missing or weak one."""
        if self.resource_shared_secret is None:
            raise SettingsError("RESOURCE_SHARED_SECRET is missing (or give RESOURCE_JWKS_URL)")
        try:
            return secret_ring(self.resource_shared_secret.get_secret_value())
        except UnfitKey as error:
            raise SettingsError(f"RESOURCE_SHARED_SECRET cannot be used: {error}") from None

    def need(self, field: str) -> str:
        """Return a text that the chosen strategy cannot do without; raise `SettingsError` naming it."""
        value = getattr(self, field)
        if not value:
            raise SettingsError(f"{field.upper()} is missing: {self.resource_strategy} needs it")
        return str(value)
