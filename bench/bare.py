"""The arm `bare`: the handler of `/unguarded` in a plain aiohttp application, with none of our frame around it.

What the control costs above this is the price of the frame: request ids, metrics, policies, draining.
"""

import asyncio
import os

from aiohttp import web

from core.guarded import guarded_endpoints

try:
    import uvloop
except ImportError:
    new_event_loop = asyncio.new_event_loop
else:
    new_event_loop = uvloop.new_event_loop


async def ready(_request: web.Request) -> web.Response:
    """Answer the question that every server is asked before it is measured."""
    return web.Response()


def main() -> None:
    """Serve on HOST and PORT until told to stop."""
    name = os.environ.get("NAME", "bare")
    unguarded = next(endpoint for endpoint in guarded_endpoints(name, "plain-jwt") if endpoint.path == "/unguarded")
    app = web.Application()
    app.router.add_get("/unguarded", unguarded.handler)
    app.router.add_get("/readyz", ready)
    web.run_app(
        app,
        host=os.environ["HOST"],
        port=int(os.environ["PORT"]),
        access_log=None,
        print=lambda *_: None,
        loop=new_event_loop(),
    )


if __name__ == "__main__":
    main()
