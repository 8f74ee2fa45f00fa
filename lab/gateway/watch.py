"""`/lab/watch`: show one credential to several servers again and again, and note when each stops to accept it.

What is asked many times is summed up; a message is recorded in full when a server's answer changes.
"""

import asyncio
import time
from collections import Counter
from contextlib import suppress
from http import HTTPStatus
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from lab.gateway.access import LEARNER, problem
from lab.gateway.exchanges import Errand, Exchanges
from lab.gateway.forward import EXCHANGES
from lab.gateway.json_body import json_body
from lab.gateway.learners import Learner
from lab.gateway.servers import Server, Servers
from lab.gateway.wire import BadRequestLine, Connection, NoAnswer, Request, deadline

SERVERS = web.AppKey("servers", Servers)
MAX_WATCHED_S = 330.0
_CLOSELY_S = 8.0
_CLOSE_PAUSE_S, _PAUSE_S = 0.01, 0.5
_TELL_EVERY_S = 0.25
_ANSWER_WITHIN_S = 1.0
_AGREEING = 40
"""A server that refused so many times in a row, one after the other, will not change its mind."""
Line = Annotated[str, StringConstraints(max_length=8192)]


class WatchWish(BaseModel):
    """Which servers to ask, with what."""

    model_config = ConfigDict(extra="forbid")

    servers: list[str] = Field(min_length=1, max_length=16)
    headers: list[tuple[Line, Line]] = Field(max_length=8)
    target: str = Field(default="/me", max_length=200)
    action: str = Field(default="", max_length=100)
    until_refused: bool = True
    """Whether a server that refuses for good needs no more asking."""


class Watched:
    """What one server answered so far."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.by_status: Counter[str] = Counter()
        self.last_accepted_ms: float | None = None
        self.first_refused_ms: float | None = None
        self.in_a_row = 0
        self.status: int | None = None
        self.over = False

    def note(self, status: int, at_ms: float) -> bool:
        """Count an answer (0: none came); tell whether it differs from the one before."""
        self.by_status[str(status)] += 1
        if status == HTTPStatus.OK:
            self.last_accepted_ms = at_ms
            self.first_refused_ms = None
        elif self.first_refused_ms is None:
            self.first_refused_ms = at_ms
        changed, self.status = status != self.status, status
        self.in_a_row = 1 if changed else self.in_a_row + 1
        return changed

    def as_data(self) -> dict[str, Any]:
        """Describe it for the page."""
        return {
            "server": self.server.name,
            "by_status": dict(self.by_status),
            "status": self.status,
            "last_accepted": self.last_accepted_ms,
            "first_refused": self.first_refused_ms,
            "over": self.over,
        }


class Watches:
    """One watch for each learner; a new one ends the one before."""

    def __init__(self) -> None:
        self._running: dict[str, asyncio.Task[None]] = {}

    def start(self, learner: Learner, watch: "Watch") -> None:
        """Begin to watch."""
        self.stop(learner)
        self._running[learner.name] = asyncio.ensure_future(watch.run())

    def stop(self, learner: Learner) -> None:
        """End what this learner watches."""
        running = self._running.pop(learner.name, None)
        if running is not None:
            running.cancel()

    async def stop_all(self) -> None:
        """End everything."""
        for running in self._running.values():
            running.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)


WATCHES = web.AppKey("watches", Watches)


class Watch:
    """One credential, shown to several servers."""

    def __init__(self, wish: WatchWish, servers: list[Server], learner: Learner, exchanges: Exchanges) -> None:
        self._request = Request("GET", wish.target, wish.headers)
        self._wish = wish
        self._watched = [Watched(server) for server in servers]
        self._learner = learner
        self._exchanges = exchanges
        self._began_s = time.monotonic()

    async def run(self) -> None:
        """Ask until every server has refused, or it takes too long, or it is cancelled; say how it goes."""
        asking = [asyncio.ensure_future(self._ask(watched)) for watched in self._watched]
        try:
            with self._exchanges.counts.disturbing():
                while not all(task.done() for task in asking):
                    self._tell(over=False)
                    await asyncio.wait(asking, timeout=_TELL_EVERY_S)
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
            self._tell(over=True)

    def _tell(self, *, over: bool) -> None:
        servers = [watched.as_data() for watched in self._watched]
        self._learner.log.add("watch", {"action": self._wish.action, "over": over, "servers": servers})

    async def _ask(self, watched: Watched) -> None:
        while (age_s := time.monotonic() - self._began_s) < MAX_WATCHED_S and not watched.over:
            if watched.note(await self._status(watched.server), time.time() * 1000):
                errand = Errand(watched.server, self._request, f"{self._wish.action}:watched", sent_by="lab")
                await self._exchanges.run(errand, self._learner)
            refused = watched.status == HTTPStatus.UNAUTHORIZED
            watched.over = self._wish.until_refused and refused and watched.in_a_row >= _AGREEING
            await asyncio.sleep(_CLOSE_PAUSE_S if age_s < _CLOSELY_S else _PAUSE_S)

    async def _status(self, server: Server) -> int:
        encoded = Exchanges.with_host(Errand(server, self._request)).encoded()
        with suppress(NoAnswer):
            async with deadline(_ANSWER_WITHIN_S), await Connection.open(server.address) as connection:
                return (await connection.exchange(encoded)).status
        return 0


async def start_watch(request: web.Request) -> web.StreamResponse:
    """Begin to watch."""
    wish = await json_body(request, WatchWish)
    servers = [request.app[SERVERS].named(name) for name in wish.servers]
    known = [server for server in servers if server is not None]
    if len(known) < len(servers):
        return problem(404, "no_such_server", "There is no server of one of these names here.")
    try:
        watch = Watch(wish, known, request[LEARNER], request.app[EXCHANGES])
    except BadRequestLine as error:
        return problem(400, "bad_request", str(error))
    request.app[WATCHES].start(request[LEARNER], watch)
    return web.Response(status=204)


async def stop_watch(request: web.Request) -> web.StreamResponse:
    """Stop watching."""
    request.app[WATCHES].stop(request[LEARNER])
    return web.Response(status=204)
