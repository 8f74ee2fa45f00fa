"""Denylisted JWT: verify as `plain_jwt` does, then ask the store whether the token was taken back.

Cost: a plain JWT and one store read (`jti`, `sid`, the account's cut-off and the epoch in one command, merged with
those of other requests). So revocation is bought back with the lookup that the JWT saved; when the store is away,
nothing is answered.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import ClassVar, Self

from core.contract import Promise
from core.reads import CoalescedReads
from core.redis_link import open_redis
from core.revocation import CHECK, judge, redis_keys_of
from core.subject import Subject
from resource_server.keys import check_keys, open_keys
from resource_server.settings import ResourceSettings
from resource_server.tokens import Tokens


class DenylistedJwt:
    """Verify, then ask the store each time."""

    promise: ClassVar[Promise] = Promise(
        lookups_per_request=1,
        revoked_within=timedelta(0),
        without_its_store="refuses",
        teaches="revocation bought with the lookup that JWT saved",
    )

    def __init__(self, tokens: Tokens, reads: CoalescedReads) -> None:
        self.tokens = tokens
        self.checks = (*tokens.checks, CHECK)
        self._reads = reads

    @classmethod
    def check(cls, settings: ResourceSettings) -> None:
        """Raise `SettingsError` for what is missing."""
        check_keys(settings)
        settings.need("resource_redis_url")

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: ResourceSettings) -> AsyncIterator[Self]:
        """Open the keys and the store."""
        async with open_keys(settings) as keys, open_redis(settings.need("resource_redis_url")) as link:
            yield cls(Tokens(settings, keys), CoalescedReads(link))

    async def verify(self, credential: str) -> Subject:
        """Return who the token speaks of, if nobody took it back."""
        token = self.tokens.known(credential) or await self.tokens.verify_anew(credential)
        judge(token, await self._reads.get_many(*redis_keys_of(token)))
        return token.subject

    def not_ready(self) -> str | None:
        """Ready with keys; whether the store answers is found out with each request."""
        return self.tokens.not_ready()
