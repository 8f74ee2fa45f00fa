"""Talk HTTP in bytes of our own choosing: no client library stands between an attack and the server."""

import json
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

LOOPBACK = "127.0.0.1"
Headers = Iterable[tuple[str, str | bytes]]


class NoAnswer(Exception):
    """The server closed the connection, or stayed silent, before an answer was complete."""


@dataclass(frozen=True)
class Answer:
    """One HTTP answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the one value of a header; None where it is absent."""
        values = self.all(name)
        assert len(values) <= 1, (name, values)
        return values[0] if values else None

    def all(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """Everything that a client sees: headers and body."""
        lines = [f"{name}: {value}" for name, value in self.headers]
        return "\n".join([*lines, self.body.decode("utf-8", "replace")])


class Wire:
    """One connection, kept alive for as long as the server lets it."""

    def __init__(self, port: int, *, timeout_s: float = 10.0, source: str = LOOPBACK) -> None:
        self._port, self._timeout_s, self._source = port, timeout_s, source
        self._socket = self._connected()
        self._unread = b""

    def _connected(self) -> socket.socket:
        address, source = (LOOPBACK, self._port), (self._source, 0)
        connected = socket.create_connection(address, timeout=self._timeout_s, source_address=source)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected

    def reconnect(self) -> None:
        """Go on with a new connection where the server ended the last one."""
        self._socket.close()
        self._socket, self._unread = self._connected(), b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send bytes as they are. A server that has hung up already is no error here: its answer tells."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self._socket.sendall(data)

    def answer(self, *, to_head: bool = False) -> Answer:
        """Read one answer whose length is declared, as all of ours is; an answer to HEAD has none of its body."""
        while b"\r\n\r\n" not in self._unread:
            self._more()
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
        code = int(status.split(" ")[1])
        if code < 200:
            return self.answer()
        lengths = [value for name, value in headers if name.lower() == "content-length"]
        length = 0 if code in {204, 304} or to_head else int(lengths[0])
        while len(self._unread) < length:
            self._more()
        body, self._unread = self._unread[:length], self._unread[length:]
        return Answer(code, headers, body)

    def exchange(self, data: bytes) -> Answer:
        """Send one request and read its answer."""
        self.send(data)
        return self.answer(to_head=data.startswith(b"HEAD "))

    def rest(self) -> bytes:
        """Return everything until the server closes; raise `TimeoutError` if it does not."""
        data = self._unread
        with suppress(ConnectionResetError):
            while chunk := self._socket.recv(65536):
                data += chunk
        return data

    def is_closed(self, *, within_s: float) -> bool:
        """Tell whether the server hangs up by itself within a time; what it sends until then is dropped."""
        deadline = time.monotonic() + within_s
        try:
            while (left_s := deadline - time.monotonic()) > 0:
                self._socket.settimeout(left_s)
                if not self._socket.recv(65536):
                    return True
        except TimeoutError:
            return False
        except ConnectionResetError:
            return True
        return False

    def _more(self) -> None:
        try:
            chunk = self._socket.recv(65536)
        except (TimeoutError, ConnectionResetError) as error:
            raise NoAnswer(type(error).__name__) from error
        if not chunk:
            raise NoAnswer("closed")
        self._unread += chunk


def request_bytes(method: str, path: str, headers: Headers = (), body: bytes | None = None) -> bytes:
    """Write a request. Header values are sent as they are, bytes included, so that any of them may be hostile."""
    lines = [f"{method} {path} HTTP/1.1".encode("latin-1"), b"Host: 127.0.0.1"]
    if body is not None:
        lines.append(b"Content-Length: %d" % len(body))
    for name, value in headers:
        lines.append(name.encode("latin-1") + b": " + (value if isinstance(value, bytes) else value.encode("latin-1")))
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


def call(
    port: int,
    method: str,
    path: str,
    headers: Headers = (),
    body: bytes | None = None,
    *,
    source: str = LOOPBACK,
    timeout_s: float = 10.0,
) -> Answer:
    """Send one request on a connection of its own."""
    with Wire(port, source=source, timeout_s=timeout_s) as wire:
        return wire.exchange(request_bytes(method, path, headers, body))


def call_json(
    port: int, method: str, path: str, value: object, headers: Headers = (), *, source: str = LOOPBACK
) -> Answer:
    """Send one request with a JSON body."""
    body = json.dumps(value).encode()
    return call(port, method, path, [("Content-Type", "application/json"), *headers], body, source=source)


def bearer(token: str | bytes) -> list[tuple[str, str | bytes]]:
    """Write the header that carries a token."""
    return [("Authorization", b"Bearer " + (token if isinstance(token, bytes) else token.encode()))]
