"""Run something beside a block of code, and be sure that it ends with it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

_ASK_AGAIN_S = 0.1


@asynccontextmanager
async def running_beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `work` until the block ends; then cancel it and return when it is gone. What it raises comes out here."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        # Before Python 3.12 `asyncio.wait_for`, which redis-py sends with, loses a cancellation that arrives as it
        # finishes (cpython issue 86296): asked once, a loop around it might run for ever and hold up the shutdown.
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=_ASK_AGAIN_S)
        with suppress(asyncio.CancelledError):
            await task
