"""What the three aiohttp applications share: how they are served, who may log in, and the body of /me."""

import os
import time
from collections.abc import Mapping
from typing import Any

import uvloop
from aiohttp import web

NAME, STRATEGY = os.environ["NAME"], os.environ["STRATEGY"]
LIFE_S = 30 * 60


def describe(user: Mapping[str, Any], issued_at: float) -> web.Response:
    """Answer about a user."""
    return web.json_response(
        {
            "sub": user["sub"],
            "name": user["name"],
            "roles": user["roles"],
            "scope": user["scope"],
            "server": NAME,
            "strategy": STRATEGY,
            "issued_at": issued_at,
        }
    )


async def logged_in(request: web.Request) -> dict[str, Any]:
    """Return whoever sent the right password; refuse the others."""
    credentials = await request.json()
    if credentials["password"] != os.environ["LOGIN_PASSWORD"]:
        raise web.HTTPUnauthorized
    return {
        "sub": credentials["username"],
        "name": credentials["username"].upper(),
        "roles": ["user"],
        "scope": "orders:read orders:write",
        "issued_at": round(time.time(), 3),
    }


async def readyz(_request: web.Request) -> web.Response:
    """Answer the question that every server is asked before it is measured."""
    return web.Response()


def serve(app: web.Application) -> None:
    """Serve on HOST and PORT until told to stop."""
    app.router.add_get("/readyz", readyz)
    web.run_app(
        app,
        host=os.environ["HOST"],
        port=int(os.environ["PORT"]),
        access_log=None,
        print=lambda *_: None,
        loop=uvloop.new_event_loop(),
    )
