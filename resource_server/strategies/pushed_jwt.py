"""Pushed JWT: verify as `plain_jwt` does, then look in this process' own list of revocations, which Redis pushes.

Cost: a plain JWT and three dictionary lookups; nothing is asked on a request's behalf. A revocation arrives within
milliseconds. While the list cannot be followed it serves for `RESOURCE_FEED_MAX_STALE_S`, then refuses (503): older
news than that is no longer news.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import ClassVar, Self

from core.contract import Promise
from core.revocation import CHECK
from core.subject import Subject
from resource_server.keys import check_keys, open_keys
from resource_server.revocation_feed import RevocationFeed, open_feed
from resource_server.settings import ResourceSettings
from resource_server.tokens import Tokens


class PushedJwt:
    """Verify, then look at what was pushed here."""

    promise: ClassVar[Promise] = Promise(
        lookups_per_request=0,
        revoked_within=timedelta(seconds=1),
        without_its_store="serves for a bounded time",
        teaches="the list of revoked tokens is sent to every server",
    )

    def __init__(self, tokens: Tokens, feed: RevocationFeed) -> None:
        self.tokens = tokens
        self.feed = feed
        self.checks = (*tokens.checks, CHECK)

    @classmethod
    def check(cls, settings: ResourceSettings) -> None:
        """Raise `SettingsError` for what is missing."""
        check_keys(settings)
        settings.need("resource_redis_url")

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: ResourceSettings) -> AsyncIterator[Self]:
        """Open the keys and start to follow the revocations."""
        async with open_keys(settings) as keys, open_feed(settings) as feed:
            yield cls(Tokens(settings, keys), feed)

    async def verify(self, credential: str) -> Subject:
        """Return who the token speaks of, if no revocation of it has arrived."""
        token = self.tokens.known(credential) or await self.tokens.verify_anew(credential)
        self.feed.judge(token)
        return token.subject

    def not_ready(self) -> str | None:
        """Ready with keys, a snapshot, and word from Redis within the stale bound."""
        return self.tokens.not_ready() or self.feed.not_ready()
