"""What a client's connection asks, one request after the other: one that need not wait is answered where it was read.

aiohttp makes a task for each request and wakes another one for it, which costs more than to verify a token. Here a
handler runs at once, up to where it first waits; only then does the connection's own task go on with it. Both rely on
details of aiohttp 3.14's `RequestHandler`; tests/core/test_request_loop.py holds this class to them.
"""

import asyncio
from asyncio.tasks import _enter_task, _leave_task  # documented for those who extend asyncio
from collections.abc import Callable, Coroutine, Generator, Mapping
from typing import Any, NamedTuple, cast

from aiohttp import EMPTY_PAYLOAD, hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import StreamWriter
from aiohttp.web_protocol import ERROR, RequestHandler, _ErrInfo
from aiohttp.web_server import Server

from core.answers import Answer
from core.logs import audit
from core.turn import Turn


class Route(NamedTuple):
    """What answers one method of one path; it turns whatever goes wrong into an answer."""

    handler: Callable[[web.Request], Coroutine[Any, Any, Answer]]
    match: web.UrlMappingMatchInfo


Routes = Mapping[tuple[str, str], Route]
"""By method and exact path. What is not in here, aiohttp's router finds."""


_no_writer = cast("AbstractStreamWriter", None)
"""An answer of ours is written in one piece; only aiohttp's own ones need a writer."""


class _Rest:
    """The rest of a request that was begun outside of its task."""

    __slots__ = ("_coroutine", "_is_cancelled", "_waits_for", "request")

    def __init__(self, request: web.Request, coroutine: Coroutine[Any, Any, Answer], waits_for: Any) -> None:
        self.request = request
        self._coroutine = coroutine
        self._waits_for = waits_for
        self._is_cancelled = False
        if waits_for is not None:
            # What an await tells the task that it is in. The next await of the same future must find it as it was.
            waits_for._asyncio_future_blocking = False  # noqa: SLF001 - as above

    def cancel(self) -> None:
        """Interrupt it, as cancelling a task that waits would; before the task has got hold of it."""
        self._is_cancelled = self._waits_for is None or not self._waits_for.cancel()

    def __await__(self) -> Generator[Any, Any, Answer]:
        waits_for = self._waits_for
        if waits_for is not None:
            waits_for._asyncio_future_blocking = True  # noqa: SLF001 - see above
        try:
            if self._is_cancelled:
                waits_for = self._coroutine.throw(asyncio.CancelledError())
            while True:
                try:
                    result = yield waits_for
                except BaseException as error:  # noqa: BLE001 - whatever it is, it is for the coroutine
                    waits_for = self._coroutine.throw(error)
                else:
                    waits_for = self._coroutine.send(result)
        except StopIteration as done:
            return cast("Answer", done.value)


class RequestLoop(RequestHandler):
    """One connection, answered in the order of its requests."""

    __slots__ = ("_begun", "_routes", "_turn")

    def __init__(self, server: Server, routes: Routes, turn: Turn, **options: Any) -> None:
        super().__init__(server, **options)
        self._routes = routes
        self._turn = turn
        self._begun: _Rest | None = None
        """A request whose handler waits for something, on its way to the task."""

    def data_received(self, data: bytes) -> None:
        """Take bytes in. One request that nobody is ahead of is begun here; for all others the task is woken."""
        waiter, self._waiter = self._waiter, None  # or aiohttp would wake the task first
        try:
            super().data_received(data)
        finally:
            self._waiter = waiter
        if not self._messages or waiter is None or waiter.done():
            return
        route = self._route_of_the_only_one()
        if route is None or not self._is_over(route):
            self._turn.waiting += 1
            waiter.set_result(None)

    def send(self, data: bytes) -> None:
        """Send bytes at the end of this turn of the loop; raise `ConnectionResetError` when the client is gone."""
        if self.transport is None:
            raise ConnectionResetError("the client is gone")
        self._turn.begin(self._loop)
        self._turn.send(self.transport, data)

    def force_close(self) -> None:
        """End the connection; what was answered still leaves."""
        self._turn.flush()
        super().force_close()

    def _route_of_the_only_one(self) -> Route | None:
        """Return the route of what just came, if it is one request without a body and nothing about it is special."""
        if len(self._messages) > 1 or self._upgraded or self._paused:
            return None
        message, payload = self._messages[0]
        if payload is not EMPTY_PAYLOAD or isinstance(message, _ErrInfo) or hdrs.EXPECT in message.headers:
            return None
        return self._routes.get((message.method, message.path))

    def _is_over(self, route: Route) -> bool:
        """Begin the only request; tell whether it is over, or waits for something."""
        task = cast("asyncio.Task[None]", self._task_handler)
        message, payload = self._messages.popleft()
        request = cast("web.Request", self._taken(message, payload, _no_writer, task))
        request._match_info = route.match  # noqa: SLF001 - as aiohttp's own router does
        handling = route.handler(request)
        _enter_task(self._loop, task)  # a timeout that is set here must find the task that it will interrupt
        try:
            waits_for = handling.send(None)
        except StopIteration as done:
            if not self._is_written(request, done.value):
                self.force_close()
            return True
        except (ConnectionError, asyncio.CancelledError):
            self.force_close()
            return True
        except Exception:  # noqa: BLE001 - the last resort: the connection ends, the log has the traceback
            self._crashed()
            return True
        finally:
            _leave_task(self._loop, task)
        self._begun = _Rest(request, handling, waits_for)
        self._request_in_progress = True
        return False

    def _taken(
        self, message: Any, payload: Any, writer: AbstractStreamWriter, task: "asyncio.Task[None]"
    ) -> web.BaseRequest:
        """Make a request out of a message that was taken from the queue."""
        parser, manager, make_request = self._parser, self._manager, self._request_factory
        assert parser is not None and manager is not None and make_request is not None  # noqa: S101, PT018 - while connected
        parser.message_consumed()
        if self._buffer_paused and len(self._messages) <= self._msg_queue_resume_size:
            self._resume_reading_if_drained()
        manager.requests_count += 1
        return make_request(message, payload, self, writer, task)

    def _is_written(self, request: web.Request, answer: Answer) -> bool:
        """Write an answer; tell whether another request may come."""
        try:
            answer.write(request)
        except ConnectionError:
            return False
        except Exception:  # noqa: BLE001 - as above
            self._crashed()
            return False
        return self._stays_open(keeps_alive=answer.keep_alive)

    def _stays_open(self, *, keeps_alive: bool) -> bool:
        """Tell whether another request may come; if so, give it its time."""
        self._keepalive = keeps_alive
        if not keeps_alive or self._close or self._force_close:
            return False
        self._next_keepalive_close_time = close_time = self._loop.time() + self._keepalive_timeout
        if self._keepalive_handle is None:
            self._keepalive_handle = self._loop.call_at(close_time, self._process_keepalive)
        return True

    async def start(self) -> None:
        """Answer what was not answered where it was read, in this one task, until the connection ends."""
        try:
            goes_on = not self._force_close
            while goes_on:
                if self._begun is None and not self._messages:
                    await self._word()
                if self._begun is not None:
                    rest, self._begun = self._begun, None
                    goes_on = self._is_written(rest.request, await self._finished(rest))
                else:
                    goes_on = not self._force_close and await self._answer_next()
                if goes_on and self._messages:
                    await asyncio.sleep(0)  # who sends many at once takes turns with the others
        except ConnectionError:
            pass  # the client is gone
        except Exception:  # noqa: BLE001 - as above
            self._crashed()
        finally:
            self._task_handler = None
            self.force_close()

    async def _word(self) -> None:
        """Wait until there is a request for this task."""
        self._waiter = waiter = self._loop.create_future()
        try:
            await waiter
        except asyncio.CancelledError:
            if self._begun is None:
                raise
            self._begun.cancel()  # a timeout of that request was over before this task ran: it is not about the task
        finally:
            self._waiter = None
            if waiter.done() and not waiter.cancelled():
                self._turn.waiting -= 1

    async def _finished(self, rest: _Rest) -> Answer:
        """Go on with a request that was begun, also when its client has gone."""
        try:
            return await rest
        finally:
            self._request_in_progress = False
            if self._handler_waiter is not None:
                self._handler_waiter.set_result(None)  # a server that stops waits for it

    async def _answer_next(self) -> bool:
        """Answer the first request in the queue; tell whether another one may come."""
        message, payload = self._messages.popleft()
        handler = self._request_handler
        if isinstance(message, _ErrInfo):
            handler, message = self._make_error_handler(message), ERROR
        assert handler is not None  # noqa: S101 - it is while connected; for the type checker
        task = cast("asyncio.Task[None]", asyncio.current_task())
        request = self._taken(message, payload, StreamWriter(self, self._loop), task)
        answer, is_gone = await self._handle_request(request, None, handler)
        if is_gone:
            return False
        if not payload.is_eof():
            await self._read_past(payload)
        return self._stays_open(keeps_alive=bool(answer.keep_alive))

    async def _read_past(self, payload: Any) -> None:
        """Take in the rest of a body that nobody wants, for a while: who still sends would miss the answer."""
        try:
            async with asyncio.timeout(self._lingering_time):
                while not payload.is_eof() and not self._force_close:
                    await payload.readany()
        except (TimeoutError, web.RequestPayloadError):
            self.close()

    def _crashed(self) -> None:
        audit.exception("connection.crashed")
        self.force_close()
