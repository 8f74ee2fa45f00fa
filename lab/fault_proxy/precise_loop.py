"""An event loop whose timers keep fractions of a millisecond, so that a delay of 0.2 ms is one."""

import asyncio
import select
import selectors
import sys

if sys.platform == "linux":

    class _PreciseEpoll(selectors.EpollSelector):
        """Epoll waits in whole milliseconds, rounded up; select() on the epoll descriptor waits in microseconds."""

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            if timeout is not None and timeout > 0:
                select.select([self.fileno()], [], [], timeout)
                timeout = 0
            return super().select(timeout)

    def new_event_loop() -> asyncio.AbstractEventLoop:
        """Return an event loop with timers of microseconds."""
        return asyncio.SelectorEventLoop(_PreciseEpoll())

else:

    def new_event_loop() -> asyncio.AbstractEventLoop:
        """Return an event loop; kqueue already waits precisely."""
        return asyncio.SelectorEventLoop()
