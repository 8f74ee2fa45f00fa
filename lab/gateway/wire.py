"""Send the bytes of a request over a socket and return those of the answer: what is shown is what was sent."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Self

MAX_BODY_BYTES = 1 << 20
_MAX_HEAD_BYTES = 64 * 1024
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TARGET = re.compile(r"/[!-~]*")
_WITHOUT_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})

Headers = list[tuple[str, str]]


class BadRequestLine(ValueError):
    """What should be sent is no HTTP request; the message says why."""


class NoAnswer(Exception):
    """Nobody answered in HTTP; the message says what happened instead."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request to be sent as it stands. Raises `BadRequestLine` for what would be read as two."""

    method: str
    target: str
    headers: Headers
    body: bytes = b""

    def __post_init__(self) -> None:
        if not _TOKEN.fullmatch(self.method) or not _TARGET.fullmatch(self.target):
            raise BadRequestLine("the method or the path is not one of HTTP")
        for name, value in self.headers:
            if not _TOKEN.fullmatch(name) or any(character in value for character in "\r\n\0"):
                raise BadRequestLine(f"the header {name[:40]!r} is not one of HTTP")

    def encoded(self) -> bytes:
        """Return the bytes that go over the socket. Raises `BadRequestLine`."""
        lines = [f"{self.method} {self.target} HTTP/1.1", *(f"{name}: {value}" for name, value in self.headers)]
        try:
            return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + self.body
        except UnicodeEncodeError as error:
            raise BadRequestLine("a header has characters that HTTP cannot carry") from error


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as it came."""

    status: int
    reason: str
    headers: Headers
    body: bytes
    bytes_down: int

    def header(self, name: str) -> str | None:
        """Return the first value of a header."""
        return next((value for have, value in self.headers if have.lower() == name), None)


class Connection:
    """One connection to one server; requests go over it one after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, address: tuple[str, int]) -> Self:
        """Connect. Raises `OSError`."""
        return cls(*await asyncio.open_connection(*address, limit=_MAX_HEAD_BYTES))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def exchange(self, request: bytes) -> Answer:
        """Send a request's bytes and read its answer. Raises `NoAnswer` and `OSError`."""
        self._writer.write(request)
        await self._writer.drain()
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
            status, reason, headers = _parsed(head)
            body = await self._body(status, headers, of_head=request.startswith(b"HEAD "))
        except asyncio.IncompleteReadError as error:
            raise NoAnswer("the connection was closed before an answer came") from error
        except (asyncio.LimitOverrunError, ValueError) as error:
            raise NoAnswer("what came back was not HTTP") from error
        return Answer(status, reason, headers, body, len(head) + len(body))

    async def _body(self, status: int, headers: Headers, *, of_head: bool) -> bytes:
        if of_head or status in _WITHOUT_BODY:
            return b""
        for name, value in headers:
            if name.lower() == "content-length":
                length = int(value)
                if not 0 <= length <= MAX_BODY_BYTES:
                    raise ValueError("too long")
                return await self._reader.readexactly(length)
        return await self._reader.read(MAX_BODY_BYTES)


def _parsed(head: bytes) -> tuple[int, str, Headers]:
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    version, status, *reason = first.split(" ", 2)
    if not version.startswith("HTTP/1."):
        raise ValueError("not HTTP/1")
    pairs = (line.partition(":") for line in lines)
    return int(status), "".join(reason), [(name, value.strip()) for name, _, value in pairs]


@asynccontextmanager
async def deadline(seconds: float) -> AsyncIterator[None]:
    """Turn everything that keeps an answer from coming, within a time, into `NoAnswer`."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise NoAnswer(f"no answer within {seconds:g} s") from error
    except ConnectionRefusedError as error:
        raise NoAnswer("connection refused: nobody listens there") from error
    except ConnectionResetError as error:
        raise NoAnswer("the connection was reset") from error
    except OSError as error:
        raise NoAnswer(f"cannot be reached: {error.strerror or type(error).__name__}") from error
