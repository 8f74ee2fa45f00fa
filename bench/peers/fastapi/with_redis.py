"""FastAPI with sessions kept by hand: an identifier in a cookie, the session in Redis, one GET per request."""

import json
import os
import secrets
import time
from typing import Annotated, Any

from fastapi import Cookie, Depends, FastAPI, HTTPException, Response, status
from pydantic import BaseModel
from redis.asyncio import Redis

from bench.peers.fastapi.me import Me

LIFE_S = 30 * 60

app = FastAPI(openapi_url=None)
redis = Redis.from_url(os.environ["REDIS_URL"])


class Credentials(BaseModel):
    """A user name and a password."""

    username: str
    password: str


async def current_session(session: Annotated[str | None, Cookie()] = None) -> dict[str, Any]:
    """Return the caller's session; refuse with 401 whoever has none."""
    found = await redis.get(f"session:{session}") if session else None
    if found is None:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED)
    content: dict[str, Any] = json.loads(found)
    return content


@app.get("/readyz")
async def readyz() -> dict[str, str]:
    """Answer the question that every server is asked before it is measured."""
    return {"status": "ready"}


@app.post("/login")
async def login(credentials: Credentials, response: Response) -> dict[str, str]:
    """Begin a session."""
    if credentials.password != os.environ["LOGIN_PASSWORD"]:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED)
    session = secrets.token_urlsafe(32)
    content = {
        "sub": credentials.username,
        "name": credentials.username.upper(),
        "roles": ["user"],
        "scope": "orders:read orders:write",
        "issued_at": round(time.time(), 3),
    }
    await redis.set(f"session:{session}", json.dumps(content), ex=LIFE_S)
    response.set_cookie("session", session, httponly=True, samesite="lax")
    return {}


@app.post("/logout", status_code=status.HTTP_204_NO_CONTENT, dependencies=[Depends(current_session)])
async def logout(session: Annotated[str, Cookie()]) -> None:
    """End the caller's session."""
    await redis.delete(f"session:{session}")


@app.get("/me")
async def me(content: Annotated[dict[str, Any], Depends(current_session)]) -> Me:
    """Answer about the caller."""
    return Me(**content)
