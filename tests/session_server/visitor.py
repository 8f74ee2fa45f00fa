"""Somebody who is logged in at a session server."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.support.caller import Answer, set_cookie
from tests.support.servers import Server

_TRIES = 8
_PAUSE_S = 0.3


@dataclass(frozen=True)
class Visitor:
    """What a browser holds after a login."""

    cookie: str
    csrf: str

    @property
    def session_id(self) -> str:
        """The value of the cookie."""
        return self.cookie.partition("=")[2]

    @property
    def proofs(self) -> dict[str, str]:
        """What a request that changes something carries."""
        return {"cookie": self.cookie, "csrf": self.csrf}


async def log_in(
    server: Server, username: str = "alice", *, cookie: str | None = None, agent: str = "a test"
) -> Visitor:
    """Log in with a demo account, perhaps with a cookie from before."""
    body = {"username": username, "password": f"{username}-demo-password"}
    answer = await _decided(lambda: server.post("/login", body=body, cookie=cookie, headers={"User-Agent": agent}))
    assert 200 == answer.status, answer
    return Visitor(set_cookie(answer), answer.json["csrf_token"])


async def status_of(server: Server, visitor: Visitor) -> int:
    """Return what `/me` answers to a visitor: 200 or 401."""
    return (await _decided(lambda: server.get("/me", cookie=visitor.cookie))).status


async def _decided(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Ask again after a 503: on a busy machine a crowd misses Redis' deadline now and then, and nothing was decided."""
    for _ in range(_TRIES):
        answer = await ask()
        if answer.status != 503:
            return answer
        await asyncio.sleep(_PAUSE_S)
    raise AssertionError("it answered 503 again and again")
