"""Run a resource server without one of the choices that hold for the whole process, to see what each is worth.

BENCH_WITHOUT=uvloop python -m bench.without
"""

import asyncio
import gc
import os
import runpy
from collections.abc import Callable

from core import process


def _uvloop() -> None:
    process._LOOP_FACTORY = asyncio.new_event_loop  # type: ignore[assignment] # noqa: SLF001 - what is tried is private to it, and typed by what is there


def _freeze() -> None:
    gc.freeze = lambda: None


def _thresholds() -> None:
    process._GC_THRESHOLDS = (700, 10, 10)  # noqa: SLF001 - as above


CHOICES: dict[str, Callable[[], None]] = {"uvloop": _uvloop, "freeze": _freeze, "thresholds": _thresholds}

if __name__ == "__main__":
    CHOICES[os.environ["BENCH_WITHOUT"]]()
    runpy.run_module("resource_server", run_name="__main__")
