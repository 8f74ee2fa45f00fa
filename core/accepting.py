"""Take in connections, many in one turn of the event loop.

uvloop accepts one in a turn. In an overload a turn is long: whoever was not connected yet would wait for seconds, be
forgotten by the kernel once its queue is full, and not even be told to come back.
"""

import asyncio
import socket
from collections.abc import Callable

from core.logs import audit

_MOST_PER_TURN = 16
_OUT_OF_DESCRIPTORS_S = 1.0


class Door:
    """Accepts on one listening socket until it is closed."""

    def __init__(self, listening: socket.socket, factory: Callable[[], asyncio.Protocol]) -> None:
        self._loop = asyncio.get_running_loop()
        listening.setblocking(False)  # noqa: FBT003 - the standard library takes it so
        self._listening = listening
        self._factory = factory
        self._entering: set[asyncio.Task[object]] = set()
        self._retry: asyncio.TimerHandle | None = None
        self._open()

    def close(self) -> None:
        """Stop listening; who is in stays in."""
        if self._retry is not None:
            self._retry.cancel()
        self._loop.remove_reader(self._listening)
        self._listening.close()

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
            except OSError as error:  # no descriptor is left: asked again at once it would be a busy loop
                audit.error("accept.failed", error=type(error).__name__, errno=error.errno)
                self._loop.remove_reader(self._listening)
                self._retry = self._loop.call_later(_OUT_OF_DESCRIPTORS_S, self._open)
                return
            connected.setblocking(False)  # noqa: FBT003 - the standard library takes it so
            entering = self._loop.create_task(self._let_in(connected))
            self._entering.add(entering)
            entering.add_done_callback(self._entering.discard)

    async def _let_in(self, connected: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._factory, connected)
        except OSError:
            connected.close()  # it has gone already
