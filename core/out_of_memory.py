"""End a process that has no memory left, as the kernel would; whoever started it starts another.

Half alive it would drop connections and burn a core for as long as it is left alone: an event loop that cannot
allocate fails at each turn, and still gives signs of life.
"""

import asyncio
import os
from typing import Any, NoReturn

EXIT_CODE = 137
"""What a shell and a container show for a process that the kernel killed."""


def end_at_once() -> NoReturn:
    """End without another word: each would take memory."""
    os._exit(EXIT_CODE)


def end_when_out_of_memory(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Handle what goes wrong outside of a request, as an event loop's exception handler."""
    if isinstance(context.get("exception"), MemoryError):
        end_at_once()
    loop.default_exception_handler(context)
