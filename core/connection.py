"""The edge of HTTP: what aiohttp does for bytes that are no request, made silent, and deadlines that it does not have.

aiohttp echoes malformed header bytes, credentials included, in its 400 answers and logs. These classes rely on
details of aiohttp 3.14 (`RequestHandler`, `Server.__call__`); tests/core/test_connection.py holds them to it.
"""

import asyncio
import secrets
from collections.abc import Coroutine
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_server import Server

from core.answers import Answer, problem_answer
from core.errors import BadRequest, NotFound, Refusal
from core.logs import audit

FIRST_REQUEST_DEADLINE_S = 10.0
KEEPALIVE_S = 75.0
UNREAD_DEADLINE_S = 10.0


class Connection(RequestHandler):
    """One client connection."""

    __slots__ = ("_first_request_timer", "_unread_timer")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Give the client a bounded time to send its first request."""
        super().connection_made(transport)
        self._unread_timer: asyncio.TimerHandle | None = None
        self._first_request_timer = self._loop.call_later(FIRST_REQUEST_DEADLINE_S, self._close_if_silent)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the deadlines."""
        self._first_request_timer.cancel()
        if self._unread_timer is not None:
            self._unread_timer.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Give a client that sends and does not read a bounded time, too."""
        super().pause_writing()
        self._unread_timer = self._loop.call_later(UNREAD_DEADLINE_S, self._hang_up)

    def resume_writing(self) -> None:
        """Forget that deadline: the client reads."""
        if self._unread_timer is not None:
            self._unread_timer.cancel()
        super().resume_writing()

    def _close_if_silent(self) -> None:
        if self._request_count == 0:
            self.force_close()

    def _hang_up(self) -> None:
        if self.transport is not None:
            self.transport.abort()  # closing would wait until the client has read

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


class ConnectionFactory:
    """What the event loop calls for each new connection."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def __call__(self) -> Connection:
        """Return the protocol of one connection."""
        options: dict[str, Any] = {
            "loop": asyncio.get_running_loop(),
            "access_log": None,
            "keepalive_timeout": KEEPALIVE_S,
            "auto_decompress": False,
            "lingering_time": 2.0,
        }
        return Connection(self._server, **options)
