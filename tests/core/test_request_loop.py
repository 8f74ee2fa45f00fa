"""Requests are begun where they are read and answered at the end of the turn; a client must not be able to tell."""

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from core import connection
from core.answers import Answer, json_answer, text_answer
from core.authorization import PUBLIC
from core.endpoint import Endpoint
from core.errors import Unavailable
from core.service import FRAME, Service, build_app, listen, serving
from core.settings import ServerSettings
from core.turn import Turn
from tests.core.nobody import nobody
from tests.support.patience import until
from tests.support.servers import Server, Servers
from tests.support.wire import request, spoken, status_of

Handler = Callable[[web.Request], Awaitable[Answer]]
GET = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"


class Handlers:
    """Handlers that wait or not, and what is known of them."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.common: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.begun = 0
        self.ended = 0

    async def at_once(self, _request: web.Request) -> Answer:
        """Answer without waiting; tell how many tasks there are, and whether one is ours."""
        return json_answer({"tasks": len(asyncio.all_tasks()), "is_in_one": asyncio.current_task() is not None})

    async def later(self, _request: web.Request) -> Answer:
        """Answer once it is let go."""
        self.begun += 1
        try:
            await self.let_go.wait()
            return json_answer({"is_in_one": asyncio.current_task() is not None})
        finally:
            self.ended += 1

    async def too_late(self, _request: web.Request) -> Answer:
        """Give up after a while, in the words of `asyncio.timeout`."""
        try:
            async with asyncio.timeout(0.05):
                await asyncio.sleep(60)
        except TimeoutError:
            raise Unavailable("late", retry_after_s=1.0) from None
        return json_answer({})

    async def at_once_too_late(self, _request: web.Request) -> Answer:
        """Give up as soon as it waits: before the connection's task has run."""
        try:
            async with asyncio.timeout(0):
                await asyncio.gather(asyncio.sleep(60), asyncio.sleep(60))
        except TimeoutError:
            raise Unavailable("late", retry_after_s=1.0) from None
        return json_answer({})

    async def shared(self, _request: web.Request) -> Answer:
        """Wait for the same thing as everybody else."""
        self.begun += 1
        return json_answer(await self.common)

    async def in_steps(self, _request: web.Request) -> Answer:
        """Wait for several things, of several kinds."""
        for _ in range(3):
            await asyncio.sleep(0)
        values = await asyncio.gather(asyncio.sleep(0.01, "a"), asyncio.to_thread(lambda: "b"))
        async with asyncio.timeout(5), asyncio.TaskGroup() as group:
            task = group.create_task(asyncio.sleep(0.01, "c"))
        return json_answer([*values, task.result()])

    async def fails(self, _request: web.Request) -> Answer:
        """Fail before it waits."""
        raise ZeroDivisionError

    async def fails_later(self, _request: web.Request) -> Answer:
        """Fail after it has waited."""
        await asyncio.sleep(0)
        raise ZeroDivisionError

    async def half_done(self, _request: web.Request) -> Answer:
        """Answer with what is none."""
        return json_answer({}) if self.ended else cast("Answer", None)

    async def large(self, _request: web.Request) -> Answer:
        """Answer more than a socket takes in at once."""
        return text_answer(b"x" * 4_000_000, "text/plain")


@pytest.fixture
async def handlers() -> Handlers:
    return Handlers()


@pytest.fixture
def app(handlers: Handlers) -> web.Application:
    names = (
        "at_once",
        "later",
        "too_late",
        "at_once_too_late",
        "shared",
        "half_done",
        "in_steps",
        "fails",
        "fails_later",
        "large",
    )
    endpoints = [
        Endpoint(method, f"/{name}", getattr(handlers, name), PUBLIC, name)
        for name in names
        for method in ("GET", "POST")
    ]
    return build_app(ServerSettings(port=0), Service("A test", endpoints, nobody, {}))


@pytest.fixture
async def server(servers: Servers, app: web.Application) -> Server:
    return await servers.serve(app)


async def connect(server: Server) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(server.url)
    return await asyncio.open_connection(parts.hostname, parts.port)


def stall(seconds: float) -> None:
    """Keep the event loop from turning."""
    until_s = perf_counter() + seconds
    while perf_counter() < until_s:
        pass


def in_flight(server: Server) -> int:
    return server.app[FRAME].lifecycle.in_flight


async def test_a_request_that_need_not_wait_makes_no_task(server: Server) -> None:
    await server.get("/at_once")
    tasks = len(asyncio.all_tasks())
    assert [{"tasks": tasks, "is_in_one": True}] * 3 == [(await server.get("/at_once")).json for _ in range(3)]


async def test_a_handler_waits_for_whatever_it_likes(server: Server) -> None:
    assert [["a", "b", "c"]] * 3 == [(await server.get("/in_steps")).json for _ in range(3)]


async def test_a_timeout_interrupts_its_own_request_and_no_other(server: Server) -> None:
    tasks = len(asyncio.all_tasks())
    for path in ("/too_late", "/at_once_too_late"):
        answers = await spoken(
            server.url, GET % path[1:].encode(), GET % b"in_steps", request("GET", path), pause_s=0.1
        )
        assert [b"503", b"200", b"503"] == [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]]
        assert 0 == in_flight(server)
    await until(lambda: len(asyncio.all_tasks()) <= tasks)


async def test_a_stall_before_the_task_runs_is_a_timeout_like_any_other(server: Server) -> None:
    """Timers of the loop may run before the task that a request was handed to."""
    connections = [await connect(server) for _ in range(20)]
    for _, writer in connections:
        writer.write(request("GET", "/too_late"))
    await asyncio.sleep(0)
    stall(0.1)
    async with asyncio.timeout(5):
        assert [503] * 20 == [status_of(await reader.read()) for reader, _ in connections]
    for _, writer in connections:
        writer.close()
    assert 0 == in_flight(server)


async def test_many_may_wait_for_the_same_thing(server: Server, handlers: Handlers) -> None:
    asking = [asyncio.create_task(spoken(server.url, request("GET", "/shared"))) for _ in range(10)]
    await until(lambda: handlers.begun == 10)
    handlers.common.set_result(5)
    assert [(200, True)] * 10 == [
        (status_of(answer), answer.endswith(b"\r\n5")) for answer in await asyncio.gather(*asking)
    ]


async def test_what_a_handler_must_not_return_ends_its_connection_and_is_logged(
    server: Server, logged: list[Any]
) -> None:
    assert b"" == await spoken(server.url, request("GET", "/half_done"))
    assert ["connection.crashed"] == [event["event"] for event in logged if event["event"].endswith("crashed")]
    assert 200 == (await server.get("/at_once")).status


async def test_an_expectation_is_met_the_same_way_wherever_it_comes(server: Server) -> None:
    one = b"GET /at_once HTTP/1.1\r\nHost: x\r\nExpect: a miracle\r\nConnection: close\r\n\r\n"
    assert 400 == status_of(await spoken(server.url, one))
    assert 1 == (await spoken(server.url, GET % b"at_once" + one)).count(b"HTTP/1.1 400")


@pytest.mark.parametrize("name", ["fails", "fails_later"])
async def test_a_crash_is_answered_and_the_connection_goes_on(server: Server, name: str, logged: list[Any]) -> None:
    answers = await spoken(server.url, GET % name.encode(), request("GET", "/at_once"), pause_s=0.05)
    assert 500 == status_of(answers)
    assert 1 == answers.count(b"HTTP/1.1 200")
    assert ["request.crashed"] == [event["event"] for event in logged if event["event"].endswith("crashed")]
    assert 0 == in_flight(server)


async def test_answers_come_in_the_order_of_the_requests(server: Server, handlers: Handlers) -> None:
    """The first one waits; those that need not wait must not overtake it."""
    reader, writer = await connect(server)
    writer.write(GET % b"later")
    await until(lambda: handlers.begun == 1)
    writer.write(GET % b"at_once" + request("GET", "/fails"))
    await asyncio.sleep(0.05)
    handlers.let_go.set()
    answers = await reader.read()
    assert [b"200", b"200", b"500"] == [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]]
    assert b'{"is_in_one":true}' in answers.split(b"HTTP/1.1 ")[1]
    writer.close()


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_request_runs_to_its_end_when_its_client_has_gone(
    server: Server, handlers: Handlers, method: str
) -> None:
    """A logout that was begun must be done."""
    _, writer = await connect(server)
    writer.write(request(method, "/later"))
    await until(lambda: handlers.begun == 1)
    writer.transport.abort()
    await asyncio.sleep(0.05)
    assert (0, 1) == (handlers.ended, in_flight(server))
    handlers.let_go.set()
    await until(lambda: handlers.ended == 1)
    assert 0 == in_flight(server)


async def test_clients_that_go_at_once_leave_nothing_behind(server: Server, handlers: Handlers) -> None:
    tasks = len(asyncio.all_tasks())
    for number in range(60):
        _, writer = await connect(server)
        writer.write(GET % (b"later", b"at_once", b"large", b"in_steps")[number % 4])
        if number % 3:
            await asyncio.sleep(0)
        writer.transport.abort()
    handlers.let_go.set()
    await until(lambda: in_flight(server) == 0 and len(asyncio.all_tasks()) <= tasks, within_s=5)
    await until(lambda: server.app[FRAME].lifecycle.connections == 0)
    assert 200 == (await server.get("/at_once")).status


async def test_a_server_that_stops_waits_for_what_was_begun(app: web.Application, handlers: Handlers) -> None:
    listening = listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    stopping = asyncio.Event()

    async def serve() -> None:
        async with serving(app, listening):
            await stopping.wait()

    served = asyncio.create_task(serve())
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(GET % b"later")
    await until(lambda: handlers.begun == 1)
    stopping.set()
    await asyncio.sleep(0.05)
    handlers.let_go.set()
    answer = await reader.read()
    assert 200 == status_of(answer)
    assert b"Connection: close" in answer
    await served
    writer.close()


async def test_an_idle_client_is_hung_up_on_and_one_that_waits_is_not(
    servers: Servers, app: web.Application, handlers: Handlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "KEEPALIVE_S", 0.2)
    server = await servers.serve(app)
    reader, writer = await connect(server)
    writer.write(GET % b"at_once")
    await reader.readuntil(b"}")
    writer.write(GET % b"later")
    await asyncio.sleep(0.5)
    handlers.let_go.set()
    async with asyncio.timeout(2):
        assert 200 == status_of(await reader.read())
    writer.close()


async def test_who_sends_many_at_once_takes_turns_with_the_others(server: Server) -> None:
    many = 2000
    reader, writer = await connect(server)
    writer.write((GET % b"at_once") * many)
    await reader.readuntil(b"}")
    other = await server.get("/at_once")
    assert 200 == other.status
    left = many - 1 - reader._buffer.count(b"HTTP/1.1 200")  # type: ignore[attr-defined] # what came meanwhile
    assert left > 0
    answers = b""
    while answers.count(b"}") < many - 1:
        answers += await reader.read(1_000_000)
    assert many - 1 == answers.count(b"HTTP/1.1 200")
    writer.close()


@pytest.mark.parametrize("size", [10, 100_000])
async def test_a_body_that_nobody_wants_is_passed_over(server: Server, size: int) -> None:
    answers = await spoken(
        server.url,
        b"POST /at_once HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size,
        b"x" * size,
        request("GET", "/at_once"),
        pause_s=0.02,
    )
    assert 2 == answers.count(b"HTTP/1.1 200")


async def test_a_body_that_never_comes_is_not_waited_for(
    servers: Servers, app: web.Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "LINGER_S", 0.1)
    server = await servers.serve(app)
    half = b"POST /at_once HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf"
    assert 200 == status_of(await spoken(server.url, half, within_s=2))


async def test_an_answer_is_whole_before_the_connection_ends(server: Server) -> None:
    answer = await spoken(server.url, request("GET", "/large"))
    assert 4_000_000 == len(answer.partition(b"\r\n\r\n")[2])


async def test_a_client_that_never_reads_the_last_answer_is_hung_up_on(
    servers: Servers, app: web.Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "UNREAD_DEADLINE_S", 0.3)
    server = await servers.serve(app)
    reader, writer = await connect(server)
    reader._transport.pause_reading()  # type: ignore[attr-defined] # the only way not to read
    writer.write(request("GET", "/large"))
    lifecycle = server.app[FRAME].lifecycle
    await until(lambda: lifecycle.connections == 1)
    await until(lambda: lifecycle.connections == 0)
    writer.close()


async def test_a_query_and_a_method_that_has_no_route_are_found_by_the_router(server: Server) -> None:
    assert 200 == (await server.get("/at_once?x=1")).status
    assert 405 == status_of(await spoken(server.url, request("DELETE", "/at_once")))


class Wire:
    """A transport that notes what is written."""

    def __init__(self, written: list[bytes], *, closing: bool = False) -> None:
        self._written = written
        self._closing = closing

    def is_closing(self) -> bool:
        return self._closing

    def write(self, data: bytes) -> None:
        self._written.append(data)


async def test_answers_of_one_turn_leave_together_and_in_their_order() -> None:
    written: list[bytes] = []
    one, gone = (cast("asyncio.Transport", Wire(written, closing=closing)) for closing in (False, True))
    turn = Turn()
    loop = asyncio.get_running_loop()
    turn.begin(loop)
    began_s = turn.began_s
    for number in range(3):
        turn.begin(loop)
        turn.send(one, b"%d" % number)
        turn.send(gone, b"x")
    assert ([], began_s) == (written, turn.began_s)
    await asyncio.sleep(0)
    assert ([b"0", b"1", b"2"], 0.0) == (written, turn.began_s)


async def test_no_answer_waits_long_for_the_others() -> None:
    written: list[bytes] = []
    wire = cast("asyncio.Transport", Wire(written))
    turn = Turn()
    turn.begin(asyncio.get_running_loop())
    turn.send(wire, b"0")
    stall(0.01)
    turn.send(wire, b"1")
    turn.send(wire, b"2")
    assert [b"0", b"1"] == written
    await asyncio.sleep(0)
    assert [b"0", b"1", b"2"] == written
