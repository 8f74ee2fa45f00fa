"""Our answers are written without aiohttp's response; a client must not be able to tell."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from core.answers import SAFE_HEADERS, Answer, empty_answer, json_answer, problem_answer, text_answer
from core.authorization import PUBLIC
from core.endpoint import Endpoint
from core.errors import BadCredentials, Throttled, Unavailable
from core.service import Service, build_app
from core.settings import ServerSettings
from tests.core.nobody import nobody
from tests.support.servers import Server, Servers
from tests.support.wire import request, spoken, status_of

Handler = Callable[[web.Request], Awaitable[Answer]]


def app_of(**handlers: Handler) -> web.Application:
    """Build a server of public routes, each under its name."""
    endpoints = [Endpoint("GET", f"/{name}", handler, PUBLIC, name) for name, handler in handlers.items()]
    service = Service("A test", endpoints, nobody, {})
    return build_app(ServerSettings(port=0), service)


@pytest.fixture
async def server(servers: Servers) -> Server:
    async def answer_json(_request: web.Request) -> Answer:
        return json_answer({"name": "Jürgen", "n": 1.5})

    async def answer_empty(_request: web.Request) -> Answer:
        return empty_answer()

    async def answer_text(_request: web.Request) -> Answer:
        return text_answer("Grüße", "text/plain; charset=utf-8", {"Cache-Control": "public, max-age=5", "ETag": '"x"'})

    async def answer_large(_request: web.Request) -> Answer:
        return text_answer(b"x" * 8_000_000, "text/plain")

    async def answer_split(_request: web.Request) -> Answer:
        answer = empty_answer()
        answer.headers["X-Name"] = "a\r\nSet-Cookie: session=stolen"
        return answer

    return await servers.serve(
        app_of(json=answer_json, empty=answer_empty, text=answer_text, large=answer_large, split=answer_split)
    )


async def test_json_comes_with_its_length_and_every_safe_header(server: Server) -> None:
    answer = await server.get("/json")
    assert {"name": "Jürgen", "n": 1.5} == answer.json
    assert SAFE_HEADERS.items() <= dict(answer.headers).items()
    assert ("application/json", str(len(answer.body))) == (
        answer.headers["Content-Type"],
        answer.headers["Content-Length"],
    )
    assert answer.headers["Date"].endswith("GMT")


async def test_an_empty_answer_has_no_length_and_no_type(server: Server) -> None:
    answer = await server.get("/empty")
    assert (204, b"") == (answer.status, answer.body)
    assert {"Content-Length", "Content-Type"}.isdisjoint(answer.headers)


async def test_headers_of_an_answer_replace_the_usual_ones_and_none_comes_twice(server: Server) -> None:
    answer = await server.get("/text")
    assert "Grüße" == answer.body.decode()
    assert ("public, max-age=5", '"x"') == (answer.headers["Cache-Control"], answer.headers["ETag"])
    assert len(set(answer.headers)) == len(answer.headers)


async def test_every_answer_has_a_number_of_its_own(server: Server) -> None:
    ids = [(await server.get(path)).headers["X-Request-Id"] for path in ("/json", "/json", "/empty", "/missing")]
    assert len(set(ids)) == 4


async def test_a_header_that_would_become_two_is_an_error_of_ours(server: Server) -> None:
    answer = await spoken(server.url, request("GET", "/split"))
    assert b"stolen" not in answer
    assert status_of(answer) in {0, 500}


async def test_a_connection_is_kept_for_the_next_request(server: Server) -> None:
    one = b"GET /json HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = await spoken(server.url, one, one, request("GET", "/empty"), pause_s=0.05)
    assert 2 == answer.count(b"HTTP/1.1 200 OK\r\n")
    assert 1 == answer.count(b"HTTP/1.1 204 No Content\r\n")
    assert 1 == answer.count(b"Connection: close\r\n"), "only the last one, which asked for it"


async def test_pipelined_requests_are_answered_in_their_order(server: Server) -> None:
    paths = ["/json", "/empty", "/text", "/missing"] * 5
    sent = b"".join(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for path in paths)
    answer = await spoken(server.url, sent + request("GET", "/json"))
    statuses = [int(part.split(b" ", 1)[0]) for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert [200, 204, 200, 404] * 5 + [200] == statuses


async def test_an_old_client_is_answered_in_its_way(server: Server) -> None:
    closed = await spoken(server.url, b"GET /json HTTP/1.0\r\n\r\n")
    assert b"Connection: close\r\n" in closed
    kept = await spoken(
        server.url,
        b"GET /json HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        b"GET /json HTTP/1.0\r\n\r\n",
        pause_s=0.05,
    )
    assert 1 == kept.count(b"Connection: keep-alive\r\n")
    assert 2 == kept.count("Jürgen".encode())


async def test_head_gets_headers_and_no_body(server: Server) -> None:
    """There is no HEAD; its 405 must still have no body, or the next answer would begin inside it (RFC 9110 §9.3.2)."""
    answer = await spoken(server.url, b"HEAD /json HTTP/1.1\r\nHost: x\r\n\r\n", request("GET", "/json"), pause_s=0.05)
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert 405 == status_of(head)
    assert b"Allow: GET" in head
    assert rest.startswith(b"HTTP/1.1 200 OK")


async def test_a_client_that_does_not_read_holds_nobody_up(server: Server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
    writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
    await asyncio.sleep(0.1)
    assert 200 == (await server.get("/json")).status
    read = await asyncio.wait_for(reader.readexactly(8_000_000), 5)
    assert read.endswith(b"xxxx")
    writer.close()


async def test_a_problem_is_written_as_rfc_9457_has_it() -> None:
    answer = problem_answer(Throttled("account", "Later.", retry_after_s=1.2))
    problem = json.loads(answer.body)
    assert {"type": "about:blank", "status": 429, "code": "throttled", "detail": "Later."}.items() <= problem.items()
    assert "Too many attempts" == problem["title"]
    assert "2" == answer.headers["Retry-After"]


async def test_the_reason_of_a_refusal_stays_inside() -> None:
    for refusal in (BadCredentials("unknown_user"), Unavailable("redis_on_host_7")):
        assert refusal.reason not in problem_answer(refusal).body.decode()
