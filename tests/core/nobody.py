"""The resources of a server whose routes are all public."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from core.errors import NoCredential, Refusal
from core.frame import Guard
from core.subject import Subject


class NobodyGuard:
    """Recognises nobody."""

    checks = ("nobody",)

    async def authenticate(self, _request: web.Request) -> Subject:
        """Refuse."""
        raise NoCredential("no_credential")

    def challenge(self, _request: web.Request, _refusal: Refusal, /) -> Mapping[str, str]:
        """Return nothing."""
        return {}


@asynccontextmanager
async def nobody(_app: web.Application) -> AsyncIterator[Guard]:
    """Open nothing."""
    yield NobodyGuard()
