"""The gateway, put together."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web

from core.frame import Frame
from core.redis_link import open_redis
from core.service import FRAME
from lab.gateway.access import LEARNERS, STREAM_PATH, add_safe_headers, cookie_name, guard
from lab.gateway.control import (
    FAULTS,
    HEALERS,
    SUPERVISOR,
    active_faults,
    begin_fault,
    reset,
    restart_server,
    tell_faults,
)
from lab.gateway.cost import measure_cost
from lab.gateway.exchanges import Exchanges
from lab.gateway.faults import Faults
from lab.gateway.forward import COOKIE, EXCHANGES, forward
from lab.gateway.health import Health, in_background
from lab.gateway.leak import LEAK_FILE, leak
from lab.gateway.learners import Learners
from lab.gateway.page import PAGE, Page, document, static_file
from lab.gateway.results import RESULT_DIRECTORIES, last_result
from lab.gateway.revocations import follow_revocations
from lab.gateway.send import send
from lab.gateway.servers import Servers
from lab.gateway.settings import GatewaySettings
from lab.gateway.store_counts import StoreCounts, open_stores
from lab.gateway.stream import PRESENT_STATE, STREAMS, end_streams, stream
from lab.gateway.supervision import Supervisor
from lab.gateway.watch import SERVERS, WATCHES, Watches, start_watch, stop_watch

_LOOK_AT_SERVERS_S = 2.0
_LOOK_AT_FAULTS_S = 1.0
_FEED_DEADLINE_S = 2.0
_MAX_BODY_BYTES = 4 << 20
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def create_app(settings: GatewaySettings) -> web.Application:
    """Build the gateway."""
    cookie = cookie_name(settings.authlab_port or settings.port)
    app = web.Application(middlewares=[guard(settings.hosts(), cookie)], client_max_size=_MAX_BODY_BYTES)
    servers = Servers(settings.servers())
    app[FRAME] = Frame()
    app[COOKIE] = cookie
    app[SERVERS] = servers
    app[LEARNERS] = Learners(servers)
    app[PAGE] = Page()
    app[STREAMS] = set()
    app[WATCHES] = Watches()
    app[HEALERS] = {}
    app[SUPERVISOR] = Supervisor(settings.gateway_supervisor_socket)
    app[RESULT_DIRECTORIES] = settings.result_directories()
    if settings.gateway_leak_file is not None:
        app[LEAK_FILE] = settings.gateway_leak_file
    app.cleanup_ctx.append(lambda app: _opened(app, settings))
    app.on_response_prepare.append(add_safe_headers)
    app.on_shutdown.append(end_streams)
    _add_routes(app)
    return app


def _add_routes(app: web.Application) -> None:
    app.router.add_get("/", document)
    app.router.add_get("/static/{name:.+}", static_file)
    app.router.add_get("/livez", _alive)
    app.router.add_get("/readyz", _alive)
    app.router.add_get(STREAM_PATH, stream)
    app.router.add_post("/lab/send", send)
    app.router.add_post("/lab/watch", start_watch)
    app.router.add_delete("/lab/watch", stop_watch)
    app.router.add_post("/lab/cost", measure_cost)
    app.router.add_post("/lab/faults", begin_fault)
    app.router.add_post("/lab/processes", restart_server)
    app.router.add_post("/lab/leak", leak)
    app.router.add_post("/lab/reset", reset)
    app.router.add_get("/lab/result", last_result)
    for method in _METHODS:
        app.router.add_route(method, "/s/{server}/{path:.*}", forward)


async def _alive(_request: web.Request) -> web.StreamResponse:
    return web.json_response({"status": "ready"})


async def _opened(app: web.Application, settings: GatewaySettings) -> AsyncIterator[None]:
    urls = settings.stores()
    secret = settings.lab_secret.get_secret_value() if settings.lab_secret else None
    async with open_stores(urls) as links, open_redis(urls.get("redis-auth", ""), deadline_s=_FEED_DEADLINE_S) as feed:
        app[EXCHANGES] = Exchanges(StoreCounts(links), secret)
        app[FAULTS] = Faults(settings.fault_proxies(), links, stores_are_ours=settings.gateway_stores_are_ours)
        health = Health(app[SERVERS])
        app[PRESENT_STATE] = lambda: _present_state(app, health)
        background = [_look_at_servers(app, health), _look_at_faults(app)]
        if "redis-auth" in urls:
            background.append(follow_revocations(feed, app[LEARNERS]))
        async with in_background(*background):
            yield
            await app[WATCHES].stop_all()
            for healer in app[HEALERS].values():
                healer.cancel()


def _present_state(app: web.Application, health: Health) -> dict[str, Any]:
    return {
        "servers": health.as_data(),
        "stores": app[EXCHANGES].counts.stores,
        "faults": active_faults(app),
        "can_break": app[FAULTS].targets,
        "can_empty": app[FAULTS].can_be_emptied,
        "supervised": app[SUPERVISOR].is_there,
        "can_leak": LEAK_FILE in app,
    }


async def _look_at_servers(app: web.Application, health: Health) -> None:
    while True:
        if await health.look():
            app[LEARNERS].tell_all("servers", {"servers": health.as_data()})
        await asyncio.sleep(_LOOK_AT_SERVERS_S)


async def _look_at_faults(app: web.Application) -> None:
    while True:
        if await app[FAULTS].look():
            tell_faults(app)
        await asyncio.sleep(_LOOK_AT_FAULTS_S)
