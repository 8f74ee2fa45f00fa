"""Wait for what must come soon, and fail when it does not."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

_POLL_S = 0.01


async def until(condition: Callable[[], bool | Awaitable[bool]], *, within_s: float = 5.0) -> float:
    """Return how many seconds it took until a condition held; fail after `within_s`."""
    started = monotonic()
    while True:
        held = condition()
        if held if isinstance(held, bool) else await held:
            return monotonic() - started
        assert monotonic() - started < within_s, f"it did not happen within {within_s:g} s"
        await asyncio.sleep(_POLL_S)
