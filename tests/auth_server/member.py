"""Somebody who is logged in at an auth server, and what they do with their refresh token."""

from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from core import redis_keys
from tests.support.caller import Answer, Caller
from tests.support.environments import CLIENTS

WEB = "authlab-web"


@dataclass(frozen=True)
class Member:
    """The tokens of one login."""

    access: str
    refresh: str


async def log_in(auth: Caller, username: str = "alice", **more: Any) -> Member:
    """Log in with a demo account."""
    body = {"username": username, "password": f"{username}-demo-password", **more}
    answer = await auth.insist("POST", "/login", body=body)
    assert 200 == answer.status, answer
    return Member(answer.json["access_token"], answer.json["refresh_token"])


async def refresh(auth: Caller, token: str, **more: str) -> Answer:
    """Use a refresh token as the web client."""
    return await auth.post("/oauth/token", form=refresh_form(token, **more))


def refresh_form(token: str, **more: str) -> dict[str, str]:
    """Return what the web client sends to refresh."""
    return {"grant_type": "refresh_token", "client_id": WEB, "refresh_token": token, **more}


async def refreshed(auth: Caller, token: str, **more: str) -> Member:
    """Use a refresh token that must be good."""
    answer = await auth.insist("POST", "/oauth/token", form=refresh_form(token, **more))
    assert 200 == answer.status, answer
    return Member(answer.json["access_token"], answer.json["refresh_token"])


async def let_time_pass(redis: Redis, seconds: float) -> None:
    """Move every stamp that says when a refresh token was used into the past."""
    async for name in redis.scan_iter(redis_keys.refresh("*")):
        value: Any = await redis.get(name)
        sid, _, used = value.decode().partition(" ")
        if used:
            await redis.set(name, f"{sid} {int(used) - round(seconds * 1000)}", keepttl=True)


async def introspected(auth: Caller, token: str) -> Answer:
    """Ask what a token stands for, as a resource server would."""
    client = ("demo-resource", CLIENTS["demo-resource"])
    return await auth.post("/oauth/introspect", form={"token": token}, client=client)


def error_of(answer: Answer) -> tuple[int, str]:
    """Return the status and the error of a refused OAuth request (RFC 6749 §5.2)."""
    assert "application/json" == answer.headers["Content-Type"], answer
    return answer.status, answer.json["error"]


async def is_accepted(auth: Caller, access: str) -> bool:
    """Tell whether the auth server itself still takes an access token."""
    status = (await auth.insist("GET", "/logins", token=access)).status
    assert status in {200, 401}
    return status == 200
