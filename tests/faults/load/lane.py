"""HTTP/1.1 as a client that hides nothing: no retry, no redirect, and `Connection: close` is heeded."""

import asyncio
from dataclasses import dataclass
from typing import cast

LOOPBACK = "127.0.0.1"
_HEAD_END = b"\r\n\r\n"
_WITHOUT_BODY = frozenset({204, 304})


class Lost(Exception):
    """There is no answer: `refused`, `reset`, `closed` or `timeout`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Lane(asyncio.Protocol):
    """One connection with at most one request on it."""

    def __init__(self) -> None:
        self.gone = False
        self._transport: asyncio.Transport | None = None
        self._received = b""
        self._waiter: asyncio.Future[Answer] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Collect an answer until it is complete."""
        self._received += data
        answer = _parsed(self._received)
        if answer is not None and self._waiter is not None and not self._waiter.done():
            self._received = b""
            self._waiter.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits."""
        self.gone = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(Lost("closed" if exc is None else "reset"))

    async def exchange(self, raw: bytes) -> Answer:
        """Send a request and return its answer; raise `Lost`."""
        if self._transport is None or self.gone:
            raise Lost("closed")
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(raw)
        answer = await self._waiter
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        return answer

    def close(self) -> None:
        """Hang up."""
        self.gone = True
        if self._transport is not None:
            self._transport.close()


class Lanes:
    """Connections by port; the one used last is used next, and there is always another."""

    def __init__(self) -> None:
        self._idle: dict[int, list[Lane]] = {}

    async def exchange(self, port: int, raw: bytes, timeout_s: float) -> Answer:
        """Send a request over an idle connection or a new one; raise `Lost`. It is sent once, whatever happens."""
        lane = self._idle_lane(port)
        try:
            async with asyncio.timeout(timeout_s):
                if lane is None:
                    lane = await _connected(port)
                answer = await lane.exchange(raw)
        except TimeoutError as error:
            if lane is not None:
                lane.close()
            raise Lost("timeout") from error
        if not lane.gone:
            self._idle.setdefault(port, []).append(lane)
        return answer

    def _idle_lane(self, port: int) -> Lane | None:
        idle = self._idle.get(port, [])
        while idle:
            lane = idle.pop()
            if not lane.gone:
                return lane
        return None

    def close(self) -> None:
        """Hang up everywhere."""
        for lanes in self._idle.values():
            for lane in lanes:
                lane.close()


async def _connected(port: int) -> Lane:
    try:
        _, lane = await asyncio.get_running_loop().create_connection(Lane, LOOPBACK, port)
    except ConnectionRefusedError as error:
        raise Lost("refused") from error
    except OSError as error:
        raise Lost("reset") from error
    return lane


def _parsed(data: bytes) -> Answer | None:
    head_end = data.find(_HEAD_END)
    if head_end < 0:
        return None
    status_line, *lines = data[:head_end].decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    status = int(status_line.split(" ")[1])
    body = data[head_end + len(_HEAD_END) :]
    length = 0 if status in _WITHOUT_BODY else int(headers["content-length"])
    return Answer(status, headers, body[:length]) if len(body) >= length else None
