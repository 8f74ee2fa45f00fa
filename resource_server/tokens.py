"""Bearer token → what it proves. Shared by every strategy that verifies JWTs; none of it asks anybody anything.

The cache in front can change the cost and never the answer: expiry and the key's presence are checked on every hit.
"""

from collections.abc import Callable

from core.access_token import CHECKS, SIGNATURE_CHECKS, TokenVerifier, UnknownKey, VerifiedToken
from resource_server.keys import KeySource
from resource_server.settings import ResourceSettings
from resource_server.token_cache import TokenCache


class Tokens:
    """Verifies the tokens of one resource server."""

    def __init__(self, settings: ResourceSettings, keys: KeySource) -> None:
        self.checks = CHECKS if settings.resource_jwks_url is None else SIGNATURE_CHECKS
        self._keys = keys
        self._clock: Callable[[], float] = settings.clock()
        self.cache = TokenCache(settings.resource_token_cache) if settings.resource_token_cache else None
        self._verifier = TokenVerifier(
            issuer=settings.resource_issuer,
            audiences=frozenset({settings.resource_audience}),
            ring=keys.ring,
            clock=self._clock,
        )

    def not_ready(self) -> str | None:
        """Say why nothing can be verified now."""
        return self._keys.not_ready()

    async def verify_anew(self, token: str) -> VerifiedToken:
        """Return what the token proves; raise `Rejected`, or `Unavailable` when the keys cannot be trusted any more."""
        try:
            verified = self._verifier.verify(token)
        except UnknownKey as unknown:
            if not await self._keys.look_for(unknown.kid):
                raise
            verified = self._verifier.verify(token)
        if self.cache is not None:
            self.cache.put(token, verified)
        return verified

    def known(self, token: str) -> VerifiedToken | None:
        """Return what a token proved when it was seen before, if that still holds; None when it must be verified."""
        if self.cache is None:
            return None
        known = self.cache.get(token)
        return known if known is not None and self._still_good(known) else None

    def _still_good(self, known: VerifiedToken) -> bool:
        """Tell whether nothing that can change since has changed; if it has, the token is verified anew."""
        key = known.key
        return (
            key is not None
            and self._keys.ring().get(key.kid) is key
            and known.valid_from <= self._clock() < known.expires_at
        )
