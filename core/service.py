"""One frame for all servers: build the application, serve it, and stop it without losing a request."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, cast

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from core.accepting import Door
from core.answers import Answer, json_answer, text_answer
from core.authorization import PUBLIC
from core.body import MAX_BODY_BYTES
from core.connection import ConnectionFactory
from core.endpoint import Endpoint
from core.errors import Draining, MethodNotAllowed, NotFound, Unavailable
from core.frame import Frame, Guard, Render, render_problem
from core.openapi import PAGE_HEADERS, describe, page
from core.request_loop import Route, Routes
from core.settings import ServerSettings

_FINISH_S = 10.0
_BACKLOG = 1024
_LOOK_AGAIN_S = 0.02
_UNFINISHED_S = 5.0
"""How long those are waited for, once nobody can connect any more, who have begun a request: the rest, the answer."""
_NEWCOMER_S = 1.0
"""How long, then, those may take to begin who connected in the last moment."""

FRAME = web.AppKey("frame", Frame)
NotReady = Callable[[], str | None]
NOT_READY: web.AppKey[list[NotReady]] = web.AppKey("not_ready", list)
"""Asked by /readyz; each says why the server should get no traffic now, or None."""
ROUTES: web.AppKey[Routes] = web.AppKey("routes", Mapping)
ENDPOINTS: web.AppKey[tuple[Endpoint, ...]] = web.AppKey("endpoints", tuple)

Resources = Callable[[web.Application], AbstractAsyncContextManager[Guard]]


@dataclass(frozen=True)
class Service:
    """What makes one server out of the frame. `resources` opens what the endpoints need and yields the guard."""

    title: str
    endpoints: Sequence[Endpoint]
    resources: Resources
    security: dict[str, Any]
    render: Render = render_problem
    headers: Mapping[str, str] = field(default_factory=dict)
    """Extra headers on every answer."""


def build_app(settings: ServerSettings, service: Service) -> web.Application:
    """Return the application of a service."""
    frame = Frame(
        lab_secret=settings.lab_secret.get_secret_value() if settings.lab_secret and settings.authlab_demo else None,
        server_timing=settings.server_timing,
        render=service.render,
        headers=service.headers,
    )
    endpoints = (*service.endpoints, *_own_endpoints(service))
    app = web.Application(client_max_size=MAX_BODY_BYTES)
    app[FRAME], app[ENDPOINTS], app[NOT_READY] = frame, endpoints, []
    routes: dict[tuple[str, str], Route] = {}
    app[ROUTES] = routes
    for endpoint in (*endpoints, *_refusing_endpoints(endpoints)):
        framed = frame.around(endpoint)
        route = app.router.add_route(endpoint.method, endpoint.path, cast("Handler", framed))
        if "{" not in endpoint.path and not settings.server_timing:  # a timing is kept in the context of one task
            match = web.UrlMappingMatchInfo({}, route)
            match.add_app(app)
            routes[endpoint.method, endpoint.path] = Route(framed, match)

    async def opened(app: web.Application) -> AsyncIterator[None]:
        async with service.resources(app) as guard:
            frame.recognise_with(guard)
            yield
            frame.recognise_with(None)

    app.cleanup_ctx.append(opened)
    return app


def _refusing_endpoints(endpoints: Sequence[Endpoint]) -> list[Endpoint]:
    """Return what answers every other method of these paths (405), and every other path (404)."""

    def refuse_methods(allowed: tuple[str, ...]) -> Callable[[web.Request], Awaitable[Answer]]:
        async def refuse(_request: web.Request) -> Answer:
            refusal = MethodNotAllowed("method")
            refusal.allowed = allowed
            raise refusal

        return refuse

    async def not_found(_request: web.Request) -> Answer:
        raise NotFound("route")

    methods: dict[str, list[str]] = {}
    for endpoint in endpoints:
        methods.setdefault(endpoint.path, []).append(endpoint.method)
    refusing = [
        Endpoint(hdrs.METH_ANY, path, refuse_methods(tuple(sorted(allowed))), PUBLIC, "Other methods")
        for path, allowed in methods.items()
    ]
    return [*refusing, Endpoint(hdrs.METH_ANY, "/{unknown:.*}", not_found, PUBLIC, "Other paths")]


def _own_endpoints(service: Service) -> list[Endpoint]:
    async def livez(_request: web.Request) -> Answer:
        return json_answer({"status": "alive"})

    async def readyz(request: web.Request) -> Answer:
        if request.app[FRAME].lifecycle.draining:
            raise Draining("draining", retry_after_s=1.0)
        reason = why_not_ready(request.app)
        if reason is not None:
            raise Unavailable("not_ready", f"Not ready: {reason}.", retry_after_s=1.0)
        return json_answer({"status": "ready"})

    async def metrics(request: web.Request) -> Answer:
        return text_answer(await request.app[FRAME].metrics_text(), "text/plain; version=0.0.4; charset=utf-8")

    async def openapi(_request: web.Request) -> Answer:
        return json_answer(document)

    async def docs(_request: web.Request) -> Answer:
        return text_answer(page(document), "text/html; charset=utf-8", PAGE_HEADERS)

    own = [
        Endpoint("GET", "/livez", livez, PUBLIC, "The process is alive; touches nothing", {200: None}),
        Endpoint("GET", "/readyz", readyz, PUBLIC, "Ready to serve", {200: None}),
        Endpoint("GET", "/metrics", metrics, PUBLIC, "For Prometheus", {200: None}, answers_type="text/plain"),
        Endpoint("GET", "/openapi.json", openapi, PUBLIC, "This description", {200: None}),
        Endpoint("GET", "/docs", docs, PUBLIC, "This description as a page", {200: None}, answers_type="text/html"),
    ]
    document = describe(service.title, [*service.endpoints, *own], service.security)
    return own


def why_not_ready(app: web.Application) -> str | None:
    """Say why this server should get no traffic now; None when it should."""
    return next((reason for ask in app[NOT_READY] if (reason := ask()) is not None), None)


async def _until_ready(app: web.Application, patience_s: float) -> None:
    for _ in range(round(patience_s / _LOOK_AGAIN_S)):
        if why_not_ready(app) is None:
            return
        await asyncio.sleep(_LOOK_AGAIN_S)


async def _until_nobody_waits(door: Door, connections: ConnectionFactory) -> None:
    """Return when no request is under way, or one is for too long: told to go, aiohttp takes nothing more in.

    It drops the second half of a head or a body. The newcomers' moment is one of turns of the event loop: when
    the machine is busy, time goes by in which nobody was listened to.
    """
    until_s, turns = monotonic() + _UNFINISHED_S, round(_NEWCOMER_S / _LOOK_AGAIN_S)
    while monotonic() < until_s:
        await asyncio.sleep(_LOOK_AGAIN_S)
        turns -= 1
        if not door.is_letting_in and not connections.somebody_waits(newcomers=turns > 0):
            return


@asynccontextmanager
async def serving(
    app: web.Application, listening: socket.socket, *, drain_s: float = 0.0, patience_s: float = 0.0
) -> AsyncIterator[None]:
    """Serve on a socket until the block ends; then drain: tell everyone to go, stop accepting, finish, close.

    With `patience_s` accept nobody before the server is ready, or that much time is over: others may be serving.
    """
    runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=_FINISH_S)
    await runner.setup()
    assert runner.server is not None  # noqa: S101 - setup made it; for the type checker
    await _until_ready(app, patience_s)
    connections = ConnectionFactory(runner.server, app.get(ROUTES, {}), app[FRAME].lifecycle)
    door = Door(listening, connections)
    try:
        yield
    finally:
        app[FRAME].lifecycle.draining = True
        await asyncio.sleep(drain_s)
        door.close()
        if drain_s:
            await _until_nobody_waits(door, connections)
        await runner.cleanup()


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; raise `OSError` when the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    listening.setblocking(False)  # noqa: FBT003 - the standard library takes it so
    return listening
