"""One client connection and the connection to the server behind it."""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import cast

from lab.fault_proxy.faults import Faults
from lab.fault_proxy.flow import Flow

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Link:
    """Join a client to the server, subject to the faults of the moment."""

    def __init__(self, faults: Faults, target: tuple[str, int], gone: Callable[["Link"], None]) -> None:
        self._faults = faults
        self._target = target
        self._gone = gone
        self._to_server = Flow(lambda: faults.to_server_s, finished=self._finished, cut=self.reset)
        self._to_client = Flow(lambda: faults.to_client_s, finished=self._finished, cut=self.reset)
        self.client = End(self._to_server, self._to_client, opened=self._opened, lost=self.reset)
        self._server = End(self._to_client, self._to_server, opened=lambda: None, lost=self.reset)
        self._connecting: asyncio.Task[None] | None = None

    def apply(self) -> None:
        """Follow a change of the faults."""
        hanging = self._faults.kind == "hang"
        self._to_server.block("hang", blocked=hanging)
        self._to_client.block("hang", blocked=hanging)
        self._to_client.limit(self._faults.after_reply_bytes if self._faults.kind == "cut" else None)
        if not hanging and self._connecting is None:
            self._connecting = asyncio.get_running_loop().create_task(self._connect())

    def reset(self) -> None:
        """End both connections at once; a peer that did not close sees a TCP reset, as after a crash."""
        if self._connecting is not None:
            self._connecting.cancel()
        self._to_server.close()
        self._to_client.close()
        for end in (self.client, self._server):
            if end.transport is not None and not end.transport.is_closing():
                end.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                end.transport.abort()
        self._gone(self)

    def _opened(self) -> None:
        if self.client.transport is not None:
            self.client.transport.pause_reading()  # until the server behind is connected
        self.apply()

    async def _connect(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: self._server, *self._target)
        except OSError:
            self.reset()
            return
        if self.client.transport is None or self._server.transport is None:
            return
        self._to_server.connect(self.client.transport, self._server.transport)
        self._to_client.connect(self._server.transport, self.client.transport)

    def _finished(self) -> None:
        if self._to_server.finished and self._to_client.finished:
            for end in (self.client, self._server):
                if end.transport is not None:
                    end.transport.close()


class End(asyncio.Protocol):
    """One socket of a link: feeds one flow and is fed by the other."""

    def __init__(self, feeds: Flow, fed_by: Flow, *, opened: Callable[[], None], lost: Callable[[], None]) -> None:
        self._feeds = feeds
        self._fed_by = fed_by
        self._opened = opened
        self._lost = lost
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)
        self._opened()

    def data_received(self, data: bytes) -> None:
        """Pass on what came."""
        self._feeds.push(data)

    def eof_received(self) -> bool:
        """Pass on the end, and stay open: the other direction may still have something to say."""
        self._feeds.end()
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Take the other end down too."""
        self._lost()

    def pause_writing(self) -> None:
        """Read no more than this end can take."""
        self._fed_by.block("sink full", blocked=True)

    def resume_writing(self) -> None:
        """Go on reading."""
        self._fed_by.block("sink full", blocked=False)
