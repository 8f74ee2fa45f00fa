"""Take in connections, many in one turn of the event loop.

uvloop accepts one in a turn. In an overload a turn is long: whoever was not connected yet would wait for seconds, be
forgotten by the kernel once its queue is full, and not even be told to come back.
"""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Callable

from core.logs import audit

_MOST_PER_TURN = 16
_PAUSE_S = 1.0


class Door:
    """Accepts on one listening socket until it is closed."""

    def __init__(self, listening: socket.socket, factory: Callable[[], asyncio.Protocol]) -> None:
        self._loop = asyncio.get_running_loop()
        listening.setblocking(False)  # noqa: FBT003 - the standard library takes it so
        self._listening = listening
        self._factory = factory
        self._entering: set[asyncio.Task[object]] = set()
        self._retry: asyncio.TimerHandle | None = None
        self._spare: int | None = os.open(os.devnull, os.O_RDONLY)
        """Kept for when no other descriptor is left: without one nobody can be accepted, not even to be turned away."""
        self._told_s = 0.0
        self._open()

    def close(self) -> None:
        """Stop listening; who is in stays in."""
        if self._retry is not None:
            self._retry.cancel()
        self._loop.remove_reader(self._listening)
        self._listening.close()
        if self._spare is not None:
            os.close(self._spare)

    @property
    def is_letting_in(self) -> bool:
        """Tell whether somebody was accepted who is not in yet."""
        return bool(self._entering)

    def _open(self) -> None:
        self._retry = None
        self._loop.add_reader(self._listening, self._accept)

    def _accept(self) -> None:
        for _ in range(_MOST_PER_TURN):
            try:
                connected, _ = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._tell(error)
                if error.errno not in {errno.EMFILE, errno.ENFILE} or not self._turn_away():
                    self._pause()
                return
            connected.setblocking(False)  # noqa: FBT003 - the standard library takes it so
            entering = self._loop.create_task(self._let_in(connected))
            self._entering.add(entering)
            entering.add_done_callback(self._entering.discard)

    def _turn_away(self) -> bool:
        """Accept newcomers with the spare descriptor and hang up; False without one."""
        if self._spare is None:
            return False
        os.close(self._spare)
        with contextlib.suppress(OSError):
            for _ in range(_MOST_PER_TURN):
                self._listening.accept()[0].close()
        try:
            self._spare = os.open(os.devnull, os.O_RDONLY)
        except OSError:  # somebody else was quicker
            self._spare = None
        return True

    def _pause(self) -> None:
        """Accept nobody for a moment: asked again at once it would be a busy loop."""
        if self._spare is None:
            with contextlib.suppress(OSError):
                self._spare = os.open(os.devnull, os.O_RDONLY)
        self._loop.remove_reader(self._listening)
        self._retry = self._loop.call_later(_PAUSE_S, self._open)

    def _tell(self, error: OSError) -> None:
        now_s = self._loop.time()
        if now_s - self._told_s >= _PAUSE_S:
            self._told_s = now_s
            audit.error("accept.failed", error=type(error).__name__, errno=error.errno)

    async def _let_in(self, connected: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._factory, connected)
        except OSError:
            connected.close()  # it has gone already
