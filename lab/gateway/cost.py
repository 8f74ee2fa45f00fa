"""`/lab/cost`: what one request costs a server and its caller, measured now, over one kept-alive connection.

Every figure stands beside that of the control, the same handler without authentication, from the same run.
"""

import time
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from lab.gateway.access import LEARNER, problem
from lab.gateway.exchanges import ANSWER_WITHIN_S, TIMING_HEADER, Errand, Exchanges
from lab.gateway.forward import EXCHANGES
from lab.gateway.json_body import json_body
from lab.gateway.learners import Learner
from lab.gateway.servers import Server
from lab.gateway.store_counts import StoreCounts
from lab.gateway.watch import SERVERS
from lab.gateway.wire import BadRequestLine, Connection, Headers, NoAnswer, Request, deadline

ENOUGH_FOR_P99 = 200
_MAX_REQUESTS = 1000
_MAX_MEASURED_S = 12.0
_CONTROL_SHARE = 0.5
_TELL_EVERY_S = 0.25
_CPU_METRIC = b"process_cpu_seconds_total "
Line = Annotated[str, StringConstraints(max_length=8192)]


class CostWish(BaseModel):
    """Whose cost to measure, with which credential."""

    model_config = ConfigDict(extra="forbid")

    server: str
    headers: list[tuple[Line, Line]] = Field(max_length=8)
    requests: int = Field(default=300, ge=1, le=_MAX_REQUESTS)
    action: str = Field(default="", max_length=100)
    round_trip_ms: float = Field(default=0.0, ge=0)
    """What the page has set; repeated in the result so that it says what it was measured under."""


class Series:
    """Requests of one kind, one after the other."""

    def __init__(self, server: Server, target: str, headers: Headers) -> None:
        self.encoded = Exchanges.with_host(Errand(server, Request("GET", target, headers))).encoded()
        self.took_ms: list[float] = []
        self.by_status: dict[str, int] = {}
        self.verify_ms = 0.0
        self.cpu_s: float | None = None
        self.lookups: dict[str, int] = {}
        self.bytes_down = 0

    def as_data(self) -> dict[str, Any]:
        """Sum it up per request. The 99th percentile of few requests would be one request: it is left out."""
        count, ordered = len(self.took_ms), sorted(self.took_ms)
        return {
            "n": count,
            "by_status": self.by_status,
            "p50_ms": _percentile(ordered, 0.5),
            "p99_ms": _percentile(ordered, 0.99) if count >= ENOUGH_FOR_P99 else None,
            "verify_us": round(self.verify_ms / count * 1000, 1) if count else None,
            "cpu_us": round(self.cpu_s / count * 1e6, 1) if self.cpu_s is not None and count else None,
            "lookups": {name: round(commands / count, 2) for name, commands in self.lookups.items()} if count else {},
            "bytes_up": len(self.encoded),
            "bytes_down": self.bytes_down,
        }


async def measure_cost(request: web.Request) -> web.StreamResponse:
    """Measure, and add what was found to the learner's log as it grows."""
    wish = await json_body(request, CostWish)
    server = request.app[SERVERS].named(wish.server)
    if server is None:
        return problem(404, "no_such_server", f"There is no server called {wish.server} here.")
    try:
        control, guarded = Series(server, "/unguarded", []), Series(server, "/me", list(wish.headers))
    except BadRequestLine as error:
        return problem(400, "bad_request", str(error))
    meter = _Meter(wish, server, request[LEARNER], request.app[EXCHANGES].counts)
    try:
        await meter.run(control, guarded)
    except NoAnswer as error:
        return problem(502, "no_answer", f"{server.name}: {error}")
    return web.json_response({"event": meter.tell(control, guarded, over=True)})


class _Meter:
    def __init__(self, wish: CostWish, server: Server, learner: Learner, counts: StoreCounts) -> None:
        self._wish = wish
        self._server = server
        self._learner = learner
        self._counts = counts
        self._told_s = time.monotonic()

    async def run(self, control: Series, guarded: Series) -> None:
        """Measure the control, then what is guarded. Raises `NoAnswer`."""
        async with deadline(ANSWER_WITHIN_S):
            connection = await Connection.open(self._server.address)
        async with connection:
            await self._series(connection, control, round(self._wish.requests * _CONTROL_SHARE), (control, guarded))
            await self._series(connection, guarded, self._wish.requests, (control, guarded))

    def tell(self, control: Series, guarded: Series, *, over: bool) -> int:
        """Add the figures so far to the log."""
        self._told_s = time.monotonic()
        return self._learner.log.add(
            "cost",
            {
                "action": self._wish.action,
                "server": self._server.name,
                "strategy": self._server.strategy,
                "round_trip_ms": self._wish.round_trip_ms,
                "over": over,
                "control": control.as_data(),
                "guarded": guarded.as_data(),
            },
        )

    async def _series(self, connection: Connection, series: Series, requests: int, both: tuple[Series, Series]) -> None:
        until_s = time.monotonic() + _MAX_MEASURED_S
        async with deadline(ANSWER_WITHIN_S):
            await connection.exchange(series.encoded)  # the first one pays for what is remembered afterwards
        async with self._counts.counting() as counted:
            cpu_before_s = await self._cpu_s(connection)
            for _ in range(requests):
                await self._once(connection, series)
                if time.monotonic() - self._told_s > _TELL_EVERY_S:
                    self.tell(*both, over=False)
                if time.monotonic() > until_s:
                    break
            cpu_after_s = await self._cpu_s(connection)
        if cpu_before_s is not None and cpu_after_s is not None:
            series.cpu_s = cpu_after_s - cpu_before_s
        series.lookups = {name: sum(commands.values()) for name, commands in counted.by_store.items()}

    async def _once(self, connection: Connection, series: Series) -> None:
        async with deadline(ANSWER_WITHIN_S):
            began_s = time.perf_counter()
            answer = await connection.exchange(series.encoded)
            series.took_ms.append((time.perf_counter() - began_s) * 1000)
        status = str(answer.status)
        series.by_status[status] = series.by_status.get(status, 0) + 1
        series.bytes_down = answer.bytes_down
        told = (answer.header(TIMING_HEADER) or "").partition("verify;dur=")[2].partition(",")[0]
        series.verify_ms += float(told or 0)

    async def _cpu_s(self, connection: Connection) -> float | None:
        """Ask the server what CPU time it has used; None where it does not tell."""
        metrics = Exchanges.with_host(Errand(self._server, Request("GET", "/metrics", []))).encoded()
        async with deadline(ANSWER_WITHIN_S):
            answer = await connection.exchange(metrics)
        for line in answer.body.splitlines():
            if line.startswith(_CPU_METRIC):
                return float(line.removeprefix(_CPU_METRIC))
        return None


def _percentile(ordered: list[float], share: float) -> float | None:
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 3)
