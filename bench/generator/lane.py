"""One connection of the generator: one request in flight, and its answer."""

import socket
from typing import NamedTuple

from bench.generator.corpus import PreparedRequest
from bench.generator.http import Extent, find_extent
from bench.generator.poller import Poller

Address = tuple[str, int]
_READ_BYTES = 16384
_CONNECT_S = 2.0


class Answer(NamedTuple):
    """A complete response as it came."""

    data: bytes
    extent: Extent


class Lane:
    """Carry one request at a time to one address, over a connection that is kept alive."""

    __slots__ = ("_partial", "_poller", "_socket", "address", "fd", "intended_ns", "request", "sent_ns")

    def __init__(self, address: Address, poller: Poller) -> None:
        self.address = address
        self.fd = -1
        self.request: PreparedRequest | None = None
        self.sent_ns = 0
        self.intended_ns = 0
        self._socket: socket.socket | None = None
        self._partial = b""
        self._poller = poller

    def open(self) -> None:
        """Connect anew; raise OSError when nobody listens."""
        self.close()
        connection = socket.create_connection(self.address, timeout=_CONNECT_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(0)
        self._socket, self.fd = connection, connection.fileno()
        self._poller.register(self.fd)

    def close(self) -> None:
        """Drop the connection and whatever was on it."""
        if self._socket is not None:
            self._poller.unregister(self.fd)
            self._socket.close()
            self._socket, self.fd = None, -1
        self._partial = b""

    @property
    def is_open(self) -> bool:
        """Whether there is a connection; its other end may be gone all the same."""
        return self._socket is not None

    def send(self, request: PreparedRequest) -> None:
        """Send one request; raise OSError when the connection is gone."""
        self.request = request
        if self._socket is None:
            raise ConnectionError
        if self._socket.send(request.raw) != len(request.raw):
            raise ConnectionError("the request did not fit into the socket's buffer")

    def receive(self) -> Answer | None:
        """Return the answer, or None while a part of it is missing; raise OSError when the connection is gone."""
        if self._socket is None:
            raise ConnectionError
        data = self._socket.recv(_READ_BYTES)
        if not data:
            raise ConnectionResetError
        if self._partial:
            data = self._partial + data
        extent = find_extent(data)
        if extent is None:
            self._partial = data
            return None
        self._partial = b""
        return Answer(data, extent)
