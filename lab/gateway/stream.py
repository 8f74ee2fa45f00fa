"""`/lab/events`: one stream of server-sent events for each tab, which goes on where it was cut."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from aiohttp import hdrs, web

from core.answers import encode_json
from lab.gateway.access import LEARNER, LEARNERS
from lab.gateway.event_log import EventLog

HEARTBEAT_S = 3.0
_RECONNECT_MS = 1000

PRESENT_STATE: web.AppKey[Callable[[], dict[str, Any]]] = web.AppKey("present_state")
"""What a page needs to know that no event told it."""
STREAMS: web.AppKey[set[asyncio.Task[None]]] = web.AppKey("streams", set)


async def stream(request: web.Request) -> web.StreamResponse:
    """Send everything after the event that the browser had last, then whatever happens, then beats of the heart."""
    log, epoch = request[LEARNER].log, request.app[LEARNERS].epoch
    last = _last_event(request.headers.get("Last-Event-ID", ""), epoch)
    response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: "text/event-stream", "X-Accel-Buffering": "no"})
    await response.prepare(request)
    hello = {"epoch": epoch, "now": _now_ms(), "learner": request[LEARNER].slug, "lost": log.lost_after(last)}
    hello |= request.app[PRESENT_STATE]()
    await response.write(f"retry: {_RECONNECT_MS}\nevent: hello\ndata: {encode_json(hello)}\n\n".encode())
    task = asyncio.ensure_future(_follow(response, log, epoch, last))
    request.app[STREAMS].add(task)
    log.readers += 1
    try:
        await task
    except (ConnectionError, asyncio.CancelledError):
        if not task.cancelled():
            task.cancel()
    finally:
        log.readers -= 1
        request.app[STREAMS].discard(task)
    return response


async def end_streams(app: web.Application) -> None:
    """Let every stream end, so that the gateway can stop."""
    streams = app[STREAMS]
    for task in tuple(streams):
        task.cancel()


async def _follow(response: web.StreamResponse, log: EventLog, epoch: str, last: int) -> None:
    while True:
        news = log.news
        for event in log.after(last):
            await response.write(f"id: {epoch}-{event.number}\nevent: {event.kind}\ndata: {event.text}\n\n".encode())
            last = event.number
        try:
            async with asyncio.timeout(HEARTBEAT_S):
                await news.wait()
        except TimeoutError:
            await response.write(f"event: beat\ndata: {_now_ms()}\n\n".encode())


def _last_event(told: str, epoch: str) -> int:
    """Return the number of the last event that this browser has; 0 when it is from another life of the gateway."""
    name, _, number = told.partition("-")
    return int(number) if name == epoch and number.isdecimal() and len(number) < 16 else 0  # noqa: PLR2004 - no int is longer


def _now_ms() -> float:
    return round(time.time() * 1000, 3)
