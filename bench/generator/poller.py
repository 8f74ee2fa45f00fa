"""Wait for sockets with a resolution far below a millisecond.

`epoll_wait`, and so every event loop built on it, rounds to whole milliseconds. A schedule of a thousand requests a
second would slip by half of its period, so the wait itself is a `select` on the epoll descriptor.
"""

import ctypes
import select
import selectors
import sys
from collections.abc import Sequence
from typing import Protocol

_PR_SET_TIMERSLACK = 29


class Poller(Protocol):
    """Tell which of the registered descriptors can be read."""

    def register(self, fd: int) -> None:
        """Begin to watch a descriptor."""

    def unregister(self, fd: int) -> None:
        """Stop watching a descriptor, before it is closed."""

    def wait(self, timeout_s: float) -> Sequence[int]:
        """Return the descriptors that can be read, or nothing once the time is over."""

    def close(self) -> None:
        """Give the poller's own descriptor back."""


class EpollPoller:
    """Linux: epoll, with a precise wait in front."""

    def __init__(self) -> None:
        self._epoll = select.epoll()

    def register(self, fd: int) -> None:
        """Begin to watch a descriptor."""
        self._epoll.register(fd, select.EPOLLIN)

    def unregister(self, fd: int) -> None:
        """Stop watching a descriptor."""
        self._epoll.unregister(fd)

    def wait(self, timeout_s: float) -> Sequence[int]:
        """Return what can be read now, or wait for it."""
        ready = self._epoll.poll(0)
        if not ready and timeout_s > 0:
            select.select((self._epoll,), (), (), timeout_s)
            ready = self._epoll.poll(0)
        return [fd for fd, _ in ready]

    def close(self) -> None:
        """Give the epoll descriptor back."""
        self._epoll.close()


class SelectorPoller:
    """Elsewhere: kqueue or poll, through the standard library."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def register(self, fd: int) -> None:
        """Begin to watch a descriptor."""
        self._selector.register(fd, selectors.EVENT_READ)

    def unregister(self, fd: int) -> None:
        """Stop watching a descriptor."""
        self._selector.unregister(fd)

    def wait(self, timeout_s: float) -> Sequence[int]:
        """Return what can be read now, or wait for it."""
        return [key.fd for key, _ in self._selector.select(timeout_s)]

    def close(self) -> None:
        """Give the selector's descriptor back."""
        self._selector.close()


def open_poller() -> Poller:
    """Open the most precise poller that this system has."""
    if sys.platform != "linux":
        return SelectorPoller()
    # Linux lets a wait end 50 µs late to save power, unless a thread asks for less (PR_SET_TIMERSLACK, in ns).
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1)
    return EpollPoller()
