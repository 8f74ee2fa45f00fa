"""Run a resource server without uvloop, or with a choice that was tried and left, to see what each is worth.

BENCH_CHOICE=without-uvloop python -m bench.without
"""

import asyncio
import gc
import os
import runpy
from collections.abc import Callable

from core import process


def _without_uvloop() -> None:
    process._LOOP_FACTORY = asyncio.new_event_loop  # type: ignore[assignment] # noqa: SLF001 - what is tried is private to it, and typed by what is there


def _with_a_frozen_start() -> None:
    runpy.run_module("resource_server.app")
    gc.collect()
    gc.freeze()


def _with_rare_collections() -> None:
    gc.set_threshold(50_000, 20, 20)


CHOICES: dict[str, Callable[[], None]] = {
    "without-uvloop": _without_uvloop,
    "with-a-frozen-start": _with_a_frozen_start,
    "with-rare-collections": _with_rare_collections,
}

if __name__ == "__main__":
    CHOICES[os.environ["BENCH_CHOICE"]]()
    runpy.run_module("resource_server", run_name="__main__")
