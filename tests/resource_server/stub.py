"""A server that answers as a test tells it to, and counts what it was asked."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Stub:
    """Answers every request with the handler that is set."""

    def __init__(self, answer: Answering) -> None:
        self.answer = answer
        self.asked = 0
        self.connections: set[object] = set()
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Count, and answer."""
        self.asked += 1
        self.connections.add(request.transport)
        return await self.answer(request)


def answers(body: bytes, status: int = 200, **headers: str) -> Answering:
    """Answer with a body; `Cache_Control` is the header `Cache-Control`."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status, headers={n.replace("_", "-"): v for n, v in headers.items()})

    return answer


@asynccontextmanager
async def stub(answer: Answering) -> AsyncIterator[Stub]:
    """Run a stub on a free port."""
    one = Stub(answer)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", one.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    one.url = f"http://127.0.0.1:{runner.addresses[0][1]}/oauth/introspect"
    try:
        yield one
    finally:
        await runner.cleanup()
