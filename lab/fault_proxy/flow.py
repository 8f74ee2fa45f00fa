"""One direction of one connection: bytes pass in order, each after its delay."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import cast

_MAX_HELD_BYTES = 1 << 20


class Flow:
    """Pass bytes from one socket to another, never out of order, holding back a bounded amount."""

    def __init__(self, delay_s: Callable[[], float], *, finished: Callable[[], None], cut: Callable[[], None]) -> None:
        """`finished` is called after the end of stream was passed on, `cut` when the limit is reached."""
        self._delay_s = delay_s
        self._finished = finished
        self._cut = cut
        self._loop = asyncio.get_running_loop()
        self._held: deque[tuple[float, bytes]] = deque()
        self._held_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._ended = False
        self._blocked_by: set[str] = set()
        self._source: asyncio.Transport | None = None
        self._sink: asyncio.Transport | None = None
        self._left_bytes: int | None = None
        self.finished = False

    def connect(self, source: asyncio.BaseTransport, sink: asyncio.BaseTransport) -> None:
        """Begin to pass bytes."""
        self._source, self._sink = cast("asyncio.Transport", source), cast("asyncio.Transport", sink)
        self._update_reading()

    def block(self, reason: str, *, blocked: bool) -> None:
        """Stop or go on reading the source; it reads while no reason to stop is left, and the kernel holds the rest."""
        (self._blocked_by.add if blocked else self._blocked_by.discard)(reason)
        self._update_reading()

    def limit(self, left_bytes: int | None) -> None:
        """Let only so many more bytes pass before the cut; None lets all pass."""
        self._left_bytes = left_bytes

    def push(self, data: bytes) -> None:
        """Take bytes that the source sent."""
        delay_s = self._delay_s()
        if not delay_s and not self._held:
            self._write(data)
            return
        # Never before what came earlier, also when the delay has just become shorter.
        due = max(self._loop.time() + delay_s, self._held[-1][0] if self._held else 0.0)
        self._held.append((due, data))
        self._held_bytes += len(data)
        self.block("held", blocked=self._held_bytes > _MAX_HELD_BYTES)
        if self._timer is None:
            self._timer = self._loop.call_at(due, self._release)

    def end(self) -> None:
        """Take the source's end of stream; it reaches the sink after everything that is held."""
        self._ended = True
        if self._held:
            return
        if self._sink is not None and not self._sink.is_closing():
            self._sink.write_eof()
        self.finished = True
        self._finished()

    def close(self) -> None:
        """Forget what is held."""
        if self._timer is not None:
            self._timer.cancel()
        self._held.clear()

    def _release(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._held and self._held[0][0] <= now:
            data = self._held.popleft()[1]
            self._held_bytes -= len(data)
            self._write(data)
        self.block("held", blocked=self._held_bytes > _MAX_HELD_BYTES)
        if self._held:
            self._timer = self._loop.call_at(self._held[0][0], self._release)
        elif self._ended:
            self.end()

    def _write(self, data: bytes) -> None:
        if self._sink is None or self._sink.is_closing():
            return
        if self._left_bytes is None:
            self._sink.write(data)
            return
        if passing := data[: self._left_bytes]:
            self._sink.write(passing)
        self._left_bytes -= len(passing)
        if not self._left_bytes:
            self._cut()

    def _update_reading(self) -> None:
        source = self._source
        if source is None or source.is_closing() or self._ended:
            return
        if self._blocked_by:
            source.pause_reading()
        else:
            source.resume_reading()
