"""Start servers inside the process of a test, on real sockets."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
from aiohttp import web

import auth_server.app
import resource_server.app
import session_server.app
from auth_server.settings import AuthSettings
from core.service import listen, serving
from core.settings import ServerSettings, load
from resource_server.settings import ResourceSettings
from session_server.settings import SessionSettings
from tests.support.caller import Caller
from tests.support.environments import auth_environment, resource_environment, session_environment


class Server(Caller):
    """A server inside this process, and a caller of it."""

    app: web.Application


class Servers:
    """Starts servers in this process; all of them stop when the test ends."""

    def __init__(self, session: aiohttp.ClientSession, stack: AsyncExitStack) -> None:
        self._session = session
        self._stack = stack

    async def auth(self, redis_url: str = "", **more: str) -> Server:
        """Start an auth server."""
        return await self.start(AuthSettings, auth_server.app.create_app, auth_environment(redis_url, **more))

    async def resource(self, strategy: str = "plain-jwt", **more: str) -> Server:
        """Start a resource server."""
        environment = resource_environment(strategy, **more)
        return await self.start(ResourceSettings, resource_server.app.create_app, environment)

    async def session(self, strategy: str = "redis-session", redis_url: str = "", **more: str) -> Server:
        """Start a session server."""
        environment = session_environment(strategy, redis_url, **more)
        return await self.start(SessionSettings, session_server.app.create_app, environment)

    async def start(
        self,
        settings_type: type[ServerSettings],
        create_app: Callable[[Any], web.Application],
        environ: Mapping[str, str],
    ) -> Server:
        """Start any server from an environment, as `core.service.main` does, on a free port."""
        app = await asyncio.to_thread(lambda: create_app(load(settings_type, environ)))
        return await self.serve(app)

    async def serve(self, app: web.Application) -> Server:
        """Serve an application on a free port."""
        listening = listen("127.0.0.1", 0)
        port = listening.getsockname()[1]
        await self._stack.enter_async_context(serving(app, listening))
        server = Server(f"http://127.0.0.1:{port}", self._session)
        object.__setattr__(server, "app", app)
        return server
