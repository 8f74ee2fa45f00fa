"""aiohttp with aiohttp-session and its sessions in Redis, as its documentation has it."""

import os

from aiohttp import web
from aiohttp_session import get_session, new_session, setup
from aiohttp_session.redis_storage import RedisStorage
from redis.asyncio import Redis

from bench.peers.aiohttp.serving import LIFE_S, describe, logged_in, serve


async def login(request: web.Request) -> web.Response:
    """Begin a session."""
    user = await logged_in(request)
    session = await new_session(request)
    session["user"] = user
    return web.json_response({})


async def logout(request: web.Request) -> web.Response:
    """End the caller's session."""
    (await get_session(request)).invalidate()
    return web.Response(status=204)


async def me(request: web.Request) -> web.Response:
    """Answer about the caller."""
    session = await get_session(request)
    user = session.get("user")
    if user is None:
        raise web.HTTPUnauthorized
    return describe(user, user["issued_at"])


if __name__ == "__main__":
    app = web.Application()
    store = RedisStorage(
        Redis.from_url(os.environ["REDIS_URL"]), cookie_name="session", max_age=LIFE_S, httponly=True, samesite="Lax"
    )
    setup(app, store)
    app.router.add_post("/login", login)
    app.router.add_post("/logout", logout)
    app.router.add_get("/me", me)
    serve(app)
