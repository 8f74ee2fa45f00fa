"""A raw HTTP/1.1 client: what it shows is the bytes that went over the socket, not a library's idea of them."""

import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

_TIMEOUT_S = 10.0
_CHUNK_BYTES = 65536
_MAX_ANSWER_BYTES = 16 << 20


class NoAnswer(Exception):
    """A server could not be reached or did not answer in HTTP; the message names it."""


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, exactly as sent and received."""

    url: str
    request: bytes
    answer: bytes
    seconds: float
    """From before the connection was opened until the whole answer was there."""

    @cached_property
    def status(self) -> int:
        """The answer's status code."""
        return int(self.answer.split(b" ", 2)[1])

    @cached_property
    def body(self) -> bytes:
        """The answer's body."""
        return self.answer.partition(b"\r\n\r\n")[2]

    @cached_property
    def headers(self) -> list[tuple[str, str]]:
        """The answer's header lines in their order."""
        lines = self.answer.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
        return [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]

    def header(self, name: str) -> str | None:
        """Return the first value of a header, None when the answer has none."""
        return next((value for have, value in self.headers if have.lower() == name.lower()), None)

    def json(self) -> Any:
        """Return the body as JSON. Raises `NoAnswer` for what is not."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise NoAnswer(f"{self.url} answered {self.status} without JSON") from error

    @property
    def code(self) -> str | None:
        """The short code of a problem (RFC 9457) or the error of OAuth (RFC 6749), None for an answer without."""
        if "json" not in (self.header("Content-Type") or ""):
            return None
        body = self.json()
        code = body.get("code", body.get("error")) if isinstance(body, dict) else None
        return code if isinstance(code, str) else None


def exchange(
    method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"", timeout_s: float = _TIMEOUT_S
) -> Exchange:
    """Send one request over a connection of its own and return what came back. Raises `NoAnswer`."""
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise NoAnswer(f"{url} is not an http:// address")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    fields = {"Host": parts.netloc, "User-Agent": "authlab", **(headers or {})}
    if body or method in {"POST", "PUT"}:
        fields["Content-Length"] = str(len(body))
    fields["Connection"] = "close"
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    request = f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode() + body
    began_s = time.perf_counter()
    try:
        with socket.create_connection((parts.hostname, parts.port or 80), timeout=timeout_s) as connection:
            connection.sendall(request)
            answer = _read_all(connection)
    except OSError as error:
        raise NoAnswer(f"{url} does not answer: {error}") from error
    if not answer.startswith(b"HTTP/1."):
        raise NoAnswer(f"{url} did not answer in HTTP")
    return Exchange(url, request, answer, time.perf_counter() - began_s)


def _read_all(connection: socket.socket) -> bytes:
    answer = bytearray()
    while chunk := connection.recv(_CHUNK_BYTES):
        answer += chunk
        if len(answer) > _MAX_ANSWER_BYTES:
            raise OSError("the answer has no end")
    return bytes(answer)


def send_json(method: str, url: str, value: Any, *, headers: Mapping[str, str] | None = None) -> Exchange:
    """Send JSON."""
    fields = {"Content-Type": "application/json", **(headers or {})}
    return exchange(method, url, headers=fields, body=json.dumps(value).encode())
