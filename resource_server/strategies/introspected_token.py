"""Introspected token: ask the auth server about each token, each time (RFC 7662).

Cost: one HTTP call to the auth server, and its own store read, for every request. The token may be opaque: only the
auth server knows what it means, so nothing can be read out of it and it is over the moment that the auth server says
so. When the auth server is away, nothing is answered.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from http import HTTPStatus
from time import perf_counter
from typing import Any, ClassVar, Self
from urllib.parse import quote_plus

import aiohttp
from aiohttp import hdrs

from core.access_token import MAX_TOKEN_CHARS, TokenVerifier
from core.contract import Promise
from core.errors import Rejected, Unavailable
from core.keys import KeyRing
from core.strict_json import NotStrict, json_object
from core.subject import Subject
from core.timing import LOOKUPS_S
from resource_server.settings import ResourceSettings
from resource_server.whole_body import whole_body

_DEADLINE_S = 0.5
_MAX_ANSWER_BYTES = 16 * 1024
_MAX_CONNECTIONS = 64
_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


class IntrospectedToken:
    """Ask the auth server each time."""

    promise: ClassVar[Promise] = Promise(
        lookups_per_request=1,
        revoked_within=timedelta(0),
        without_its_store="refuses",
        teaches="opaque token; the auth server is asked each time (RFC 7662)",
    )
    checks = ("parse", "introspection", "claims", "issuer", "audience", "time")

    def __init__(self, settings: ResourceSettings, session: aiohttp.ClientSession) -> None:
        self._url = settings.need("resource_introspection_url")
        self._session = session
        self._claims = TokenVerifier(
            issuer=settings.resource_issuer,
            audiences=frozenset({settings.resource_audience}),
            ring=KeyRing,
            clock=settings.clock(),
        )

    @classmethod
    def check(cls, settings: ResourceSettings) -> None:
        """Raise `SettingsError` for what is missing."""
        settings.need("resource_introspection_url")
        settings.need("resource_client_id")

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: ResourceSettings) -> AsyncIterator[Self]:
        """Open kept-alive connections to the auth server."""
        secret = settings.resource_client_secret
        proof = aiohttp.encode_basic_auth(
            quote_plus(settings.need("resource_client_id")), quote_plus(secret.get_secret_value() if secret else "")
        )
        connector = aiohttp.TCPConnector(limit=_MAX_CONNECTIONS, keepalive_timeout=30)
        async with aiohttp.ClientSession(
            headers={hdrs.AUTHORIZATION: proof}, connector=connector, auto_decompress=False
        ) as session:
            yield cls(settings, session)

    async def verify(self, credential: str) -> Subject:
        """Return who the auth server says that the token speaks of, now."""
        if not 0 < len(credential) <= MAX_TOKEN_CHARS or not _CHARACTERS.issuperset(credential):
            raise Rejected("parse")
        started = perf_counter()
        answer = await self._ask(credential)
        lookups_s = LOOKUPS_S.get()
        if lookups_s is not None:
            lookups_s.append(perf_counter() - started)
        if answer.get("active") is not True:
            raise Rejected("introspection")
        return self._claims.proved(answer, None).subject

    async def _ask(self, token: str) -> dict[str, Any]:
        try:
            async with (
                asyncio.timeout(_DEADLINE_S),
                self._session.post(self._url, data={"token": token}, allow_redirects=False) as answer,
            ):
                if answer.status != HTTPStatus.OK:
                    raise Unavailable("introspection", retry_after_s=1.0)
                return json_object(await whole_body(answer.content, max_bytes=_MAX_ANSWER_BYTES))
        except (aiohttp.ClientError, TimeoutError, OSError, NotStrict) as error:
            raise Unavailable("introspection", retry_after_s=1.0) from error

    def not_ready(self) -> str | None:
        """Ready always; whether the auth server answers is found out with each request."""
        return None
