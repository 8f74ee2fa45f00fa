"""aiohttp with sessions kept by hand: an identifier in a cookie, the session in Redis, one GET per request."""

import json
import os
import secrets

from aiohttp import web
from redis.asyncio import Redis

from bench.peers.aiohttp.serving import LIFE_S, describe, logged_in, serve

redis = Redis.from_url(os.environ["REDIS_URL"])


async def login(request: web.Request) -> web.Response:
    """Begin a session."""
    user = await logged_in(request)
    session = secrets.token_urlsafe(32)
    await redis.set(f"session:{session}", json.dumps(user), ex=LIFE_S)
    response = web.json_response({})
    response.set_cookie("session", session, httponly=True, samesite="Lax")
    return response


async def logout(request: web.Request) -> web.Response:
    """End the caller's session."""
    await redis.delete(f"session:{request.cookies.get('session')}")
    return web.Response(status=204)


async def me(request: web.Request) -> web.Response:
    """Answer about the caller."""
    session = request.cookies.get("session")
    found = await redis.get(f"session:{session}") if session else None
    if found is None:
        raise web.HTTPUnauthorized
    user = json.loads(found)
    return describe(user, user["issued_at"])


if __name__ == "__main__":
    app = web.Application()
    app.router.add_post("/login", login)
    app.router.add_post("/logout", logout)
    app.router.add_get("/me", me)
    serve(app)
