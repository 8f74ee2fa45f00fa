"""The arm `bare`: a few lines of aiohttp that answer `/unguarded`, with none of our frame and nothing of ours imported.

What the control costs above this is the price of the frame: request ids, metrics, policies, draining.
"""

import asyncio
import json
import os

from aiohttp import web

try:
    import uvloop
except ImportError:
    new_event_loop = asyncio.new_event_loop
else:
    new_event_loop = uvloop.new_event_loop


async def unguarded(_request: web.Request) -> web.Response:
    """Answer with a body like the control's."""
    body = {
        "sub": "guest",
        "name": "Guest",
        "roles": ["user"],
        "scope": "orders:read orders:write",
        "server": "control",
        "strategy": "plain-jwt",
        "issued_at": 1767225600.123,
    }
    return web.Response(body=json.dumps(body).encode(), content_type="application/json")


async def ready(_request: web.Request) -> web.Response:
    """Answer the question that every server is asked before it is measured."""
    return web.Response()


def create_app() -> web.Application:
    """Build the application."""
    app = web.Application()
    app.router.add_get("/unguarded", unguarded)
    app.router.add_get("/readyz", ready)
    return app


def main() -> None:
    """Serve on HOST and PORT until told to stop."""
    web.run_app(
        create_app(),
        host=os.environ["HOST"],
        port=int(os.environ["PORT"]),
        access_log=None,
        print=lambda *_: None,
        loop=new_event_loop(),
    )


if __name__ == "__main__":
    main()
