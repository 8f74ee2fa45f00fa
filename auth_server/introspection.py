"""Tell whether an access token is good right now (RFC 7662): it verifies, and nobody took it back."""

import json
from collections.abc import Callable
from typing import Any

from auth_server.key_store import KeyStore
from auth_server.logins import Logins
from auth_server.settings import AuthSettings
from core.access_token import CHECKS, SIGNATURE_CHECKS, TokenVerifier, UnknownKey, VerifiedToken
from core.errors import Rejected
from core.reads import CoalescedReads
from core.revocation import CHECK, judge, redis_keys_of
from core.strict_json import is_256_bits


class Introspection:
    """Verifies tokens of every audience, each with that audience's keys only, and asks the store about revocation."""

    def __init__(
        self, settings: AuthSettings, keys: KeyStore, logins: Logins | None, reads: CoalescedReads | None
    ) -> None:
        self._clock: Callable[[], float] = settings.clock()
        self.checks = (*(CHECKS if settings.auth_algorithm == "HS256" else SIGNATURE_CHECKS), CHECK)
        self._logins = logins
        self._reads = reads
        self._verifiers = {audience: self._verifier(settings, keys, audience) for audience in settings.auth_audiences}

    def _verifier(self, settings: AuthSettings, keys: KeyStore, audience: str) -> TokenVerifier:
        return TokenVerifier(
            issuer=settings.auth_issuer,
            audiences=frozenset({audience}),
            ring=lambda: keys.ring(audience),
            clock=self._clock,
        )

    async def verified(self, token: str) -> VerifiedToken:
        """Return what a token proves now; raise `Rejected`, or `Unavailable` when the store cannot tell."""
        verified = self._jwt(token) if "." in token else await self._opaque(token)
        if self._reads is not None:
            judge(verified, await self._reads.get_many(*redis_keys_of(verified)))
        return verified

    def _jwt(self, token: str) -> VerifiedToken:
        unknown: Rejected | None = None
        for verifier in self._verifiers.values():
            try:
                return verifier.verify(token)
            except UnknownKey as error:
                unknown = error
        raise unknown or Rejected("key")

    async def _opaque(self, token: str) -> VerifiedToken:
        if not is_256_bits(token) or self._logins is None:
            raise Rejected("parse")
        text = await self._logins.opaque_claims(token)
        if text is None:
            raise Rejected("parse")
        claims: dict[str, Any] = json.loads(text)
        verifier = self._verifiers.get(claims["aud"])
        if verifier is None:
            raise Rejected("audience")
        return verifier.proved(claims, None)
