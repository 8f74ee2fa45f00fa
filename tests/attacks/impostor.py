"""A key server that lies: it answers each fetch of the key set as it is told, and counts them."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

Answering = Callable[[socket.socket], None]


def answering(body: bytes, *, status: str = "200 OK", headers: str = "Cache-Control: max-age=1") -> Answering:
    """Answer with a body."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n\r\n"
    return lambda connection: connection.sendall(head.encode() + body)


def in_pieces(body: bytes, *, pause_s: float) -> Answering:
    """Answer with a body, a byte at a time."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body))
        for byte in body:
            time.sleep(pause_s)
            connection.sendall(bytes([byte]))

    return answer


def without_end(connection: socket.socket) -> None:
    """Answer for ever."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        connection.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")


class Impostor:
    """Listens where a resource server fetches its keys."""

    def __init__(self, answer: Answering) -> None:
        self.answer = answer
        self.fetches = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.port: int = self._socket.getsockname()[1]

    @property
    def url(self) -> str:
        """Where the key set is."""
        return f"http://127.0.0.1:{self.port}/jwks.json"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(5)
            if connection.recv(65536):
                self.fetches += 1
                self.answer(connection)
