"""Plain JWT: the token itself says who is asking, and the signature says that the auth server said so.

Cost: one HMAC or signature check and some strict parsing; nothing is looked up. A token seen before costs a
dictionary hit. Nothing can be taken back: a logout is heard of by nobody, and the token works until it expires.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import ClassVar, Self

from core.contract import Promise
from core.subject import Subject
from resource_server.keys import check_keys, open_keys
from resource_server.settings import ResourceSettings
from resource_server.tokens import Tokens


class PlainJwt:
    """Verify and ask nobody."""

    promise: ClassVar[Promise] = Promise(
        lookups_per_request=0,
        revoked_within=None,
        without_its_store="unaffected",
        teaches="stateless: nothing to ask, nothing to take back",
    )

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.checks = tokens.checks

    @classmethod
    def check(cls, settings: ResourceSettings) -> None:
        """Raise `SettingsError` for what is missing."""
        check_keys(settings)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: ResourceSettings) -> AsyncIterator[Self]:
        """Open the keys; there is no store."""
        async with open_keys(settings) as keys:
            yield cls(Tokens(settings, keys))

    async def verify(self, credential: str) -> Subject:
        """Return who the token speaks of."""
        token = self.tokens.known(credential) or await self.tokens.verify_anew(credential)
        return token.subject

    def not_ready(self) -> str | None:
        """Ready with keys."""
        return self.tokens.not_ready()
