"""Run a resource server without uvloop, or with a choice that was tried and left, to see what each is worth.

BENCH_CHOICE=without-uvloop python -m bench.without
"""

import asyncio
import gc
import os
import runpy
from collections.abc import Callable

from aiohttp.web_protocol import RequestHandler

from core import process
from core.request_loop import RequestLoop
from core.turn import Turn


def _without_uvloop() -> None:
    process._LOOP_FACTORY = asyncio.new_event_loop  # type: ignore[assignment] # noqa: SLF001 - what is tried is private to it, and typed by what is there


def _with_a_frozen_start() -> None:
    runpy.run_module("resource_server.app")
    gc.collect()
    gc.freeze()


def _with_rare_collections() -> None:
    gc.set_threshold(50_000, 20, 20)


def _with_a_task_for_each_request() -> None:
    RequestLoop.data_received = RequestHandler.data_received  # type: ignore[method-assign] # aiohttp's own
    RequestLoop.start = RequestHandler.start  # type: ignore[method-assign] # as above


def _with_each_answer_alone() -> None:
    def send(_turn: Turn, transport: asyncio.Transport, data: bytes) -> None:
        transport.write(data)

    Turn.send = send  # type: ignore[assignment, method-assign] # as above


CHOICES: dict[str, Callable[[], None]] = {
    "without-uvloop": _without_uvloop,
    "with-a-task-for-each-request": _with_a_task_for_each_request,
    "with-each-answer-alone": _with_each_answer_alone,
    "with-a-frozen-start": _with_a_frozen_start,
    "with-rare-collections": _with_rare_collections,
}

if __name__ == "__main__":
    CHOICES[os.environ["BENCH_CHOICE"]]()
    runpy.run_module("resource_server", run_name="__main__")
