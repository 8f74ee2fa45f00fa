"""Run something beside a block of code, and be sure that it ends with it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from core.logs import audit

_ASK_AGAIN_S = 0.1


@asynccontextmanager
async def running_beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `work` until the block ends; then cancel it and return when it is gone.

    What it raises is logged at once, and comes out here.
    """
    task = asyncio.create_task(work, name=getattr(work, "__qualname__", None))
    task.add_done_callback(_tell_of_its_end)
    try:
        yield
    finally:
        task.remove_done_callback(_tell_of_its_end)
        # Before Python 3.12 `asyncio.wait_for`, which redis-py sends with, loses a cancellation that arrives as it
        # finishes (cpython issue 86296): asked once, a loop around it might run for ever and hold up the shutdown.
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=_ASK_AGAIN_S)
        with suppress(asyncio.CancelledError):
            await task


def _tell_of_its_end(task: "asyncio.Task[None]") -> None:
    error = asyncio.CancelledError() if task.cancelled() else task.exception()
    if error is not None:
        audit.error("background.failed", work=task.get_name(), error=type(error).__name__, exc_info=error)
