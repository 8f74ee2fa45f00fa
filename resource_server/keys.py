"""Where a resource server's keys come from: a shared secret that may rotate, or the auth server's published key set."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

import aiohttp

from core.background import running_beside
from core.errors import Unavailable
from core.keys import KeyRing, UnfitKey, public_ring, secret_ring
from core.logs import audit
from core.settings import SettingsError, read_secret
from resource_server.settings import ResourceSettings
from resource_server.whole_body import whole_body

REREAD_EVERY_S = 0.5
MAX_REFRESH_S = 30.0
MIN_REFRESH_S = 0.1
UNKNOWN_KID_COOL_DOWN_S = 5.0
MAX_JWKS_BYTES = 64 * 1024
_FETCH_DEADLINE_S = 2.0
_RETRY_AFTER_FAILURE_S = 1.0
_MAX_DIGITS = 10


_Fingerprint = tuple[int, int, int]
"""A file's time of change, inode and size."""


class KeySource(Protocol):
    """The current keys. `ring` is on the path of every request and only reads."""

    def ring(self) -> KeyRing:
        """Return the keys to verify with now; raise `Unavailable` when they are too old to be trusted."""

    async def look_for(self, kid: str) -> bool:
        """Try to learn a key that is not in the ring; tell whether the ring may have changed. Bounded, whoever asks."""

    def not_ready(self) -> str | None:
        """Say why nothing can be verified now."""


class SharedSecret:
    """Keys from `RESOURCE_SHARED_SECRET`. When they came from a file, it is read again whenever it changes."""

    def __init__(self, ring: KeyRing, path: Path | None) -> None:
        self._ring = ring
        self._path = path
        self._seen: _Fingerprint | None = None
        self._flight: asyncio.Task[None] | None = None

    def ring(self) -> KeyRing:
        """Return the keys."""
        return self._ring

    async def look_for(self, kid: str) -> bool:
        """Read the file now if it changed: a new key may be used before the next look."""
        _ = kid
        before = self._ring
        await self._reread()
        return self._ring is not before

    def not_ready(self) -> str | None:
        """Return None: without a key the start would have failed."""
        return None

    async def follow(self) -> None:
        """Re-read the file whenever it changes, for ever. A broken file leaves the last good keys."""
        while True:
            await asyncio.sleep(REREAD_EVERY_S)
            await self._reread()

    async def _reread(self) -> None:
        """Read the file if it changed; whoever asks meanwhile waits for the same look."""
        if self._path is None:
            return
        if self._flight is None:
            self._flight = asyncio.create_task(self._look(self._path))
            self._flight.add_done_callback(self._landed)
        await asyncio.shield(self._flight)

    def _landed(self, _flight: "asyncio.Task[None]") -> None:
        self._flight = None

    async def _look(self, path: Path) -> None:
        try:
            found = await asyncio.to_thread(_read_if_changed, path, self._seen)
        except (SettingsError, UnfitKey) as error:
            audit.error("keys.file_refused", error=str(error))
            return
        if found is None:
            return
        self._seen, keys = found
        if list(keys) != list(self._ring):
            self._ring = KeyRing(keys, previous=self._ring)
            audit.info("keys.reread", kids=[key.kid[:8] for key in self._ring])


def _read_if_changed(path: Path, seen: _Fingerprint | None) -> tuple[_Fingerprint, KeyRing] | None:
    """Return the keys in a file and what to know it by, None when it is the one seen. Raises for a broken one."""
    try:
        status = path.stat()
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {type(error).__name__}") from error
    fingerprint = (status.st_mtime_ns, status.st_ino, status.st_size)
    return None if fingerprint == seen else (fingerprint, secret_ring(read_secret("RESOURCE_SHARED_SECRET", path)))


class PublishedKeys:
    """Keys from the auth server's JWK Set: one fetch at a time, never on behalf of each request.

    When fetching fails the last good set stays in use until `max_stale_s`; then nothing is verified (503): a
    removed key might be trusted otherwise. A set with one unfit key is refused whole.
    """

    def __init__(
        self,
        url: str,
        session: aiohttp.ClientSession,
        *,
        max_stale_s: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._session = session
        self._max_stale_s = max_stale_s
        self._monotonic = monotonic
        self._ring = KeyRing()
        self._fetched_s: float | None = None
        self._refresh_s = MAX_REFRESH_S
        self._flight: asyncio.Task[bool] | None = None
        self._asked_for_unknown_s = -UNKNOWN_KID_COOL_DOWN_S

    def ring(self) -> KeyRing:
        """Return the keys; raise `Unavailable` when the last good set is too old."""
        if self._fetched_s is None or self._monotonic() - self._fetched_s > self._max_stale_s:
            raise Unavailable("keys", retry_after_s=1.0)
        return self._ring

    def not_ready(self) -> str | None:
        """Say that there are no keys, or none that may still be trusted."""
        try:
            return None if len(self.ring()) else "no keys"
        except Unavailable:
            return "no keys that may be trusted"

    async def look_for(self, kid: str) -> bool:
        """Fetch once per cool-down, whoever asks for whatever: made-up kids must not become a storm of fetches."""
        _ = kid
        now = self._monotonic()
        if self._flight is None and now - self._asked_for_unknown_s < UNKNOWN_KID_COOL_DOWN_S:
            return False
        self._asked_for_unknown_s = now
        return await self.refresh()

    async def refresh(self) -> bool:
        """Fetch the set, or join the fetch that is under way; tell whether it brought keys."""
        if self._flight is None:
            self._flight = asyncio.create_task(self._fetch())
            self._flight.add_done_callback(self._landed)
        return await asyncio.shield(self._flight)

    def _landed(self, _flight: "asyncio.Task[bool]") -> None:
        self._flight = None

    async def follow(self) -> None:
        """Refresh at the set's max-age, at least every 30 s, sooner after a failure, for ever."""
        while True:
            good = await self.refresh()
            await asyncio.sleep(self._refresh_s if good else min(_RETRY_AFTER_FAILURE_S, self._refresh_s))

    async def _fetch(self) -> bool:
        try:
            async with (
                asyncio.timeout(_FETCH_DEADLINE_S),
                self._session.get(self._url, allow_redirects=False) as answer,
            ):
                if answer.status != HTTPStatus.OK:
                    raise UnfitKey(f"the answer has status {answer.status}")
                ring = public_ring(await whole_body(answer.content, max_bytes=MAX_JWKS_BYTES), previous=self._ring)
                max_age_s = _max_age_s(answer.headers.get("Cache-Control", ""))
        except (aiohttp.ClientError, TimeoutError, OSError, UnfitKey) as error:
            audit.warning("keys.fetch_failed", error=type(error).__name__, detail=str(error))
            return False
        if [key.kid for key in ring] != [key.kid for key in self._ring]:
            audit.info("keys.fetched", kids=[key.kid[:8] for key in ring])
        self._ring = ring
        self._fetched_s = self._monotonic()
        self._refresh_s = min(max_age_s, MAX_REFRESH_S, max(self._max_stale_s / 2, MIN_REFRESH_S))
        return True


def _max_age_s(cache_control: str) -> float:
    for directive in cache_control.split(","):
        name, _, value = directive.strip().partition("=")
        if name.lower() == "max-age" and value.isascii() and value.isdigit() and len(value) < _MAX_DIGITS:
            return max(1.0, float(value))
    return MAX_REFRESH_S


def check_keys(settings: ResourceSettings) -> None:
    """Raise `SettingsError` unless the settings hold keys, or say where they are published."""
    if settings.resource_jwks_url is None:
        settings.shared_secret_ring()


@asynccontextmanager
async def open_keys(settings: ResourceSettings) -> AsyncIterator[KeySource]:
    """Open the keys that the settings name. A published set that cannot be fetched yet leaves the server not ready."""
    async with AsyncExitStack() as stack:
        source: SharedSecret | PublishedKeys
        if settings.resource_jwks_url is None:
            source = SharedSecret(settings.shared_secret_ring(), settings.secret_file("resource_shared_secret"))
        else:
            session = await stack.enter_async_context(aiohttp.ClientSession(auto_decompress=False))
            source = PublishedKeys(settings.resource_jwks_url, session, max_stale_s=settings.resource_jwks_max_stale_s)
            await source.refresh()
        async with running_beside(source.follow()):
            yield source
