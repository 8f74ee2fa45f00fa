"""The edge of HTTP: what aiohttp does for bytes that are no request, made silent, and deadlines that it does not have.

aiohttp echoes malformed header bytes, credentials included, in its 400 answers and logs. These classes rely on
details of aiohttp 3.14 (`RequestHandler`, `Server.__call__`); tests/core/test_connection.py holds them to it.
"""

import asyncio
import resource
import secrets
from collections.abc import Coroutine
from time import perf_counter
from typing import Any, cast

from aiohttp import web
from aiohttp.web_server import Server

from core.answers import Answer, problem_answer
from core.errors import BadRequest, NotFound, Refusal, Unavailable
from core.lifecycle import OVERLOAD, VITAL, Lifecycle
from core.logs import audit
from core.request_loop import RequestLoop, Routes

FIRST_REQUEST_DEADLINE_S = 10.0
HEAD_DEADLINE_S = 10.0
KEEPALIVE_S = 75.0
LINGER_S = 2.0
MAX_CONNECTIONS = 10_000
RESERVED_DESCRIPTORS = 100
UNREAD_DEADLINE_S = 10.0


_VITAL = tuple(f"GET {path} ".encode() for path in VITAL)
_OUT_OF_THE_ORDINARY = (b"content-length", b"transfer-encoding", b"upgrade:", b"connection: close")
_HEAD_END = b"\r\n\r\n"


class Connection(RequestLoop):
    """One client connection."""

    __slots__ = (
        "_begun_after",
        "_first_request_timer",
        "_head_timer",
        "_lifecycle",
        "_socket",
        "_unread_timer",
        "arrived_s",
    )

    def __init__(self, server: Server, routes: Routes, lifecycle: Lifecycle, **options: Any) -> None:
        super().__init__(server, routes, lifecycle.turn, **options)
        self._lifecycle = lifecycle
        self._head_timer: asyncio.TimerHandle | None = None
        self._begun_after = -1
        """How many requests had come when a piece of the next one came; -1: none came in pieces yet."""
        self.arrived_s = 0.0
        """When the last bytes may have come, on the clock of `perf_counter`; 0 if there were too many requests then."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Give the client a bounded time to send its first request."""
        super().connection_made(transport)
        self._lifecycle.connections += 1
        self._unread_timer: asyncio.TimerHandle | None = None
        self._socket = cast("asyncio.Transport", transport)
        """The transport, also once aiohttp has forgotten it because it is being closed."""
        self._first_request_timer = self._loop.call_later(FIRST_REQUEST_DEADLINE_S, self._close_if_silent)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the deadlines."""
        self._lifecycle.connections -= 1
        for timer in (self._first_request_timer, self._head_timer, self._unread_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes in. While there are too many requests, one that can be refused unparsed is: it costs a tenth."""
        lifecycle = self._lifecycle
        self._turn.begin(self._loop)
        self.arrived_s = self._turn.began_s
        if not lifecycle.takes(perf_counter()):
            if self._can_be_refused_unparsed(data) and self.transport is not None:
                lifecycle.shed += 1
                self.send(_come_back(lifecycle.shed))
                return
            self.arrived_s = 0.0
        come = self._request_count
        super().data_received(data)
        if come == self._request_count:
            self._watch_head()

    def _watch_head(self) -> None:
        """Give a request of which a piece came a bounded time, from its first piece on."""
        if self._begun_after == self._request_count or not (self._request_count == 0 or self._is_idle()):
            return
        if self._head_timer is not None:  # of an earlier request that came in pieces, too
            self._head_timer.cancel()
        self._begun_after = self._request_count
        self._head_timer = self._loop.call_later(HEAD_DEADLINE_S, self._close_if_no_further)

    def _close_if_no_further(self) -> None:
        """End a connection on which a request was begun and is still not all there: its head came too slowly."""
        self._head_timer = None
        if self._request_count == self._begun_after:
            self.force_close()

    def _is_idle(self) -> bool:
        """Tell whether aiohttp is waiting for the next request; else what comes may belong to the one before."""
        return self._waiter is not None and not self._waiter.done()

    def is_waited_for(self, *, newcomers: bool) -> bool:
        """Tell whether a request was begun that is not answered; with `newcomers` also whether the first is to come."""
        is_half_sent = self._request_count == self._begun_after
        return is_half_sent or not self._is_idle() or (newcomers and self._request_count == 0)

    def _can_be_refused_unparsed(self, data: bytes) -> bool:
        """Tell whether this is one whole request without a body, on an idle connection, and not about our health."""
        is_idle = self._is_idle() and not self._lifecycle.draining
        is_one = data.startswith(b"GET ") and data.find(_HEAD_END) == len(data) - len(_HEAD_END)
        if not is_idle or not is_one or data.startswith(_VITAL) or b" HTTP/1.1\r\n" not in data:
            return False
        head = data.lower()
        return not any(word in head for word in _OUT_OF_THE_ORDINARY)

    def pause_writing(self) -> None:
        """Give a client that sends and does not read a bounded time, too."""
        super().pause_writing()
        # Closing would wait until the client has read.
        self._unread_timer = self._loop.call_later(UNREAD_DEADLINE_S, self._socket.abort)

    def resume_writing(self) -> None:
        """Forget that deadline: the client reads."""
        if self._unread_timer is not None:
            self._unread_timer.cancel()
        super().resume_writing()

    def _close_if_silent(self) -> None:
        if self._request_count == 0:
            self.force_close()

    def finish_response(
        self, request: web.BaseRequest, resp: Any, start_time: float | None
    ) -> Coroutine[Any, Any, tuple[web.StreamResponse, bool]]:
        """Write an answer, in our own words where aiohttp's would quote the client and name its version."""
        if isinstance(resp, web.HTTPException):
            answer = _refused(NotFound("http") if resp.status == NotFound.status else BadRequest("http"))
            audit.info("http.refused", status=resp.status, address=request.remote, request_id=answer.request_id)
            resp = answer
        return super().finish_response(request, resp, start_time)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it quotes what was sent, so it is not used
    ) -> Any:
        """Answer bytes that are no request with fixed bytes; log the kind of error and nothing that was sent."""
        answer = _refused(BadRequest("http"))
        audit.warning(
            "http.malformed",
            error=type(exc).__name__,
            status=status,
            address=request.remote,
            request_id=answer.request_id,
        )
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was under way already")
        answer.force_close()
        return answer


def _refused(refusal: Refusal) -> Answer:
    """Write the answer to what never reached the frame, which numbers all others."""
    answer = problem_answer(refusal)
    answer.request_id = secrets.token_hex(6)
    return answer


def _come_back(number: int) -> bytes:
    """Write the answer to a request that is one too many; whole seconds until the next try, not the same for all."""
    answer = problem_answer(Unavailable(OVERLOAD, retry_after_s=1.0 + number % 3))
    answer.request_id = f"shed-{number:x}"
    return answer.rendered()


class _Turned(asyncio.Protocol):
    """A connection too many: told so, and closed."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Answer without reading: what is read needs room, too."""
        stream = cast("asyncio.Transport", transport)
        answer = problem_answer(Unavailable(OVERLOAD, retry_after_s=1.0))
        answer.headers["Connection"] = "close"
        stream.write(answer.rendered())
        stream.close()


def most_connections() -> int:
    """Return how many clients may be connected: some descriptors are kept for stores, key files and health checks."""
    soft_limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, min(MAX_CONNECTIONS, soft_limit - RESERVED_DESCRIPTORS))


class ConnectionFactory:
    """What the event loop calls for each new connection."""

    def __init__(self, server: Server, routes: Routes, lifecycle: Lifecycle) -> None:
        self._server = server
        self._routes = routes
        self._lifecycle = lifecycle

    def __call__(self) -> asyncio.Protocol:
        """Return the protocol of one connection."""
        if self._lifecycle.connections >= most_connections():
            self._lifecycle.shed += 1
            return _Turned()
        options: dict[str, Any] = {
            "loop": asyncio.get_running_loop(),
            "access_log": None,
            "keepalive_timeout": KEEPALIVE_S,
            "auto_decompress": False,
            "lingering_time": LINGER_S,
        }
        return Connection(self._server, self._routes, self._lifecycle, **options)

    def somebody_waits(self, *, newcomers: bool) -> bool:
        """Tell whether to close all connections now would lose a request."""
        connections = cast("list[Connection]", self._server.connections)
        return any(connection.is_waited_for(newcomers=newcomers) for connection in connections)
