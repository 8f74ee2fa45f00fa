"""What the page may break, and how it heals: `/lab/faults`, `/lab/processes`, `/lab/reset`."""

import asyncio
from contextlib import suppress
from typing import Any, Literal

from aiohttp import hdrs, web
from pydantic import BaseModel, ConfigDict, Field

from core.errors import Unavailable
from lab.gateway.access import LEARNER, LEARNERS, problem
from lab.gateway.faults import HEALS_AFTER_S, MAX_DELAY_MS, Faults, Kind, NoSuchFault, ProxyDown
from lab.gateway.forward import COOKIE
from lab.gateway.json_body import json_body
from lab.gateway.supervision import MAX_OFFSET_S, Supervisor, SupervisorDown
from lab.gateway.watch import WATCHES

FAULTS = web.AppKey("faults", Faults)
SUPERVISOR = web.AppKey("supervisor", Supervisor)
HEALERS: web.AppKey[dict[str, asyncio.Task[None]]] = web.AppKey("healers")


class FaultWish(BaseModel):
    """A fault to begin, or `none` to end those of a target."""

    model_config = ConfigDict(extra="forbid")

    target: str
    kind: Kind | Literal["emptied"]
    delay_ms: float = Field(default=150.0, ge=0, le=MAX_DELAY_MS)


class ProcessWish(BaseModel):
    """A server to restart; with an offset its clock is wrong afterwards."""

    model_config = ConfigDict(extra="forbid")

    server: str
    offset_s: float = Field(default=0.0, ge=-MAX_OFFSET_S, le=MAX_OFFSET_S)


async def begin_fault(request: web.Request) -> web.StreamResponse:
    """Break something, or heal it."""
    wish = await json_body(request, FaultWish)
    faults = request.app[FAULTS]
    try:
        if wish.kind == "emptied":
            await faults.empty(wish.target)
        else:
            await faults.begin(wish.target, wish.kind, delay_ms=wish.delay_ms)
    except NoSuchFault as error:
        return problem(404, "no_such_fault", str(error))
    except (ProxyDown, Unavailable) as error:
        return problem(503, "out_of_reach", str(error) or f"{wish.target} does not answer")
    tell_faults(request.app, {"by": request[LEARNER].slug, "did": {"target": wish.target, "kind": wish.kind}})
    return web.Response(status=204)


async def restart_server(request: web.Request) -> web.StreamResponse:
    """Restart a server; if its clock is to be wrong, set it right again after a while."""
    wish = await json_body(request, ProcessWish)
    supervisor = request.app[SUPERVISOR]
    if not supervisor.is_there:
        return problem(501, "no_supervisor", f"Copy this into a terminal: docker compose restart {wish.server}")
    did = {"target": wish.server, "kind": "skewed" if wish.offset_s else "restarted", "offset_s": wish.offset_s}
    try:
        await supervisor.restart(wish.server, offset_s=wish.offset_s)
    except SupervisorDown as error:
        return problem(503, "out_of_reach", str(error))
    _heal_later(request.app, wish.server, needed=bool(wish.offset_s))
    tell_faults(request.app, {"by": request[LEARNER].slug, "did": did})
    return web.Response(status=204)


async def reset(request: web.Request) -> web.StreamResponse:
    """Bring everything back to the start: faults end, what happened is forgotten, cookies are cleared."""
    learner = request[LEARNER]
    request.app[WATCHES].stop(learner)
    await request.app[FAULTS].heal_all()
    for server in list(request.app[SUPERVISOR].skewed):
        _heal_later(request.app, server, needed=True, after_s=0.0)
    learner.log.clear()
    learner.log.add("reset", {})
    tell_faults(request.app, {"by": learner.slug, "did": None})
    response = web.Response(status=204)
    for name in request.cookies:
        if name != request.app[COOKIE]:
            response.headers.add(hdrs.SET_COOKIE, f"{name}=; Path=/; Max-Age=0")
    return response


def active_faults(app: web.Application) -> list[dict[str, Any]]:
    """Return everything that is wrong now."""
    skewed = [
        {
            "target": server,
            "kind": "skewed",
            "offset_s": one["offset_s"],
            "heals_at": round(one["since"] + HEALS_AFTER_S * 1000),
        }
        for server, one in app[SUPERVISOR].skewed.items()
    ]
    return [*app[FAULTS].active, *skewed]


def tell_faults(app: web.Application, more: dict[str, Any] | None = None) -> None:
    """Tell every page what is wrong now."""
    app[LEARNERS].tell_all("faults", {"active": active_faults(app), **(more or {})})


def _heal_later(app: web.Application, server: str, *, needed: bool, after_s: float = HEALS_AFTER_S) -> None:
    healers = app[HEALERS]
    if (pending := healers.pop(server, None)) is not None:
        pending.cancel()
    if needed:
        healers[server] = asyncio.ensure_future(_heal(app, server, after_s))


async def _heal(app: web.Application, server: str, after_s: float) -> None:
    await asyncio.sleep(after_s)
    with suppress(SupervisorDown):
        await app[SUPERVISOR].restart(server)
    tell_faults(app, {"did": {"target": server, "kind": "healed"}})
