"""Somebody who is logged in at a session server."""

from dataclasses import dataclass

from tests.support.caller import set_cookie
from tests.support.servers import Server


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
    answer = await server.insist("POST", "/login", body=body, cookie=cookie, headers={"User-Agent": agent})
    assert 200 == answer.status, answer
    return Visitor(set_cookie(answer), answer.json["csrf_token"])


async def status_of(server: Server, visitor: Visitor) -> int:
    """Return what `/me` answers to a visitor: 200 or 401."""
    return (await server.insist("GET", "/me", cookie=visitor.cookie)).status
