"""One turn of the event loop: requests that are read in it are answered together at its end.

Each answer that leaves on its own wakes its client, which costs the server more than to make the answer; a client that
is awake already costs nothing. So answers wait until everything that was read in the same turn is answered, too, but
never for long.
"""

import asyncio
from time import perf_counter

_LONGEST_WAIT_S = 0.002


class Turn:
    """The turn that is under way, if one is. Times are those of `perf_counter`."""

    __slots__ = ("_flushed_s", "_out", "began_s", "waiting")

    def __init__(self) -> None:
        self.began_s = 0.0
        """When it began to read or to answer; 0 when it has not. What it reads may have come when it began."""
        self.waiting = 0
        """How many requests were read and wait for their task to run."""
        self._out: list[tuple[asyncio.Transport, bytes]] = []
        self._flushed_s = 0.0

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin, unless one is under way; what is ready to run in this turn runs before it ends."""
        if not self.began_s:
            self.began_s = self._flushed_s = perf_counter()
            loop.call_soon(self._end)

    def send(self, transport: asyncio.Transport, data: bytes) -> None:
        """Write at the end of the turn, or sooner if that takes long; in the order of the calls."""
        self._out.append((transport, data))
        if perf_counter() - self._flushed_s > _LONGEST_WAIT_S:
            self.flush()

    def flush(self) -> None:
        """Write what is there to be written."""
        out, self._out = self._out, []
        for transport, data in out:
            if not transport.is_closing():
                transport.write(data)
        self._flushed_s = perf_counter()

    def _end(self) -> None:
        self.began_s = 0.0
        self.flush()
