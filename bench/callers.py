"""Log callers in over HTTP, as anybody would, and keep what they get."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import aiohttp

from bench.accounts import PASSWORD

_IN_FLIGHT = 16
_ATTEMPTS = 4
_OK, _UNAVAILABLE = 200, 503


class LoginFailed(Exception):
    """A login of the benchmark's own accounts was refused; the message says by whom and how."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who is logged in: the name, the header that proves it, and what changes need beside it."""

    name: str
    headers: Mapping[str, str]
    extra: Mapping[str, str]
    """What goes with a change: the refresh token of a login, the CSRF token of a session."""

    @classmethod
    def nobody(cls) -> "Caller":
        """Return a caller who carries nothing."""
        return cls("", {}, {})

    @property
    def subject(self) -> str | None:
        """Whom answers must name; None for a caller who carries nothing."""
        return self.name or None


def log_in_to_auth(
    url: str, names: Sequence[str], *, opaque: bool = False, passwords: Mapping[str, str] | None = None
) -> list[Caller]:
    """Log everybody in at an auth server."""
    token_format = "opaque" if opaque else "jwt"

    async def one(client: aiohttp.ClientSession, name: str) -> Caller:
        body = {"username": name, "password": _password(name, passwords), "token_format": token_format}
        answer, _ = await _post(client, f"{url}/login", body)
        extra = {"refresh_token": answer["refresh_token"]} if "refresh_token" in answer else {}
        return Caller(name, {"Authorization": f"Bearer {answer['access_token']}"}, extra)

    return _all(names, one)


def log_in_to_sessions(url: str, names: Sequence[str], *, passwords: Mapping[str, str] | None = None) -> list[Caller]:
    """Log everybody in at a session server."""

    async def one(client: aiohttp.ClientSession, name: str) -> Caller:
        answer, cookie = await _post(client, f"{url}/login", {"username": name, "password": _password(name, passwords)})
        extra = {"X-CSRF-Token": answer["csrf_token"]} if "csrf_token" in answer else {}
        return Caller(name, {"Cookie": cookie}, extra)

    return _all(names, one)


def _password(name: str, passwords: Mapping[str, str] | None) -> str:
    return PASSWORD if passwords is None else passwords[name]


def _all(names: Sequence[str], one: Callable[[aiohttp.ClientSession, str], Awaitable[Caller]]) -> list[Caller]:
    async def everybody() -> list[Caller]:
        slots = asyncio.Semaphore(_IN_FLIGHT)
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:

            async def in_turn(name: str) -> Caller:
                async with slots:
                    return await one(client, name)

            return await asyncio.gather(*map(in_turn, names))

    return asyncio.run(everybody())


async def _post(client: aiohttp.ClientSession, url: str, body: Mapping[str, str]) -> tuple[dict[str, str], str]:
    for attempt in range(_ATTEMPTS):
        async with client.post(url, json=body) as response:
            if response.status == _OK:
                return await response.json(), response.headers.get("Set-Cookie", "").partition(";")[0]
            refusal = f"{url} answered {response.status}: {await response.text()}"
            if response.status != _UNAVAILABLE:
                break
        await asyncio.sleep(attempt + 1)  # a busy machine is no reason to lose a run
    raise LoginFailed(refusal)
