import asyncio
import json
from typing import Any

import pytest
from aiohttp import web
from pydantic import Field

from core.answers import Answer, json_answer
from core.authorization import PUBLIC
from core.body import MAX_BODY_BYTES, Body, read_form, read_json
from core.endpoint import Endpoint
from core.service import Service, build_app
from core.settings import ServerSettings
from tests.core.nobody import nobody
from tests.support.servers import Server, Servers
from tests.support.wire import request, spoken, status_of


class Order(Body):
    item: str = Field(max_length=20)
    quantity: int
    password: str = ""


@pytest.fixture
async def server(servers: Servers) -> Server:
    async def echo_json(request: web.Request) -> Answer:
        return json_answer((await read_json(request, Order)).model_dump())

    async def echo_form(request: web.Request) -> Answer:
        return json_answer(await read_form(request))

    endpoints = [
        Endpoint("POST", "/json", echo_json, PUBLIC, "JSON", takes_json=Order),
        Endpoint("POST", "/form", echo_form, PUBLIC, "Form"),
    ]
    return await servers.serve(build_app(ServerSettings(port=0), Service("A test", endpoints, nobody, {})))


async def test_a_good_body_is_read(server: Server) -> None:
    answer = await server.post("/json", body={"item": "Äpfel", "quantity": 3})
    assert (200, "Äpfel") == (answer.status, answer.json["item"])
    with_charset = await server.post(
        "/json", raw=b'{"item":"a","quantity":1}', headers={"Content-Type": "application/json; charset=UTF-8"}
    )
    assert 200 == with_charset.status


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"item=a&quantity=1",
        b"[]",
        b"null",
        b'{"item":"a","quantity":1',
        b'{"item":"a","item":"b","quantity":1}',
        b'{"item":"a","quantity":NaN}',
        b'\xef\xbb\xbf{"item":"a","quantity":1}',
        '{"item":"a","quantity":1}'.encode("utf-16"),
        b'{"item":"\xff","quantity":1}',
        b"[" * 10_000,
    ],
    ids=lambda raw: repr(raw[:30]),
)
async def test_a_body_that_is_no_json_object_is_a_bad_request(server: Server, raw: bytes) -> None:
    answer = await server.post("/json", raw=raw, headers={"Content-Type": "application/json"})
    assert (400, "bad_request") == (answer.status, answer.code)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"item": "a"}, "quantity"),
        ({"item": "a", "quantity": "1"}, "quantity"),
        ({"item": "a", "quantity": 1.0}, "quantity"),
        ({"item": "a", "quantity": True}, "quantity"),
        ({"item": 1, "quantity": 1}, "item"),
        ({"item": "x" * 21, "quantity": 1}, "item"),
        ({"item": "a", "quantity": 1, "price": 0}, "price"),
    ],
)
async def test_types_are_exact_and_unknown_members_refused(server: Server, body: Any, named: str) -> None:
    answer = await server.post("/json", body=body)
    assert (400, "bad_request") == (answer.status, answer.code)
    assert named in answer.json["detail"]


async def test_a_refused_body_is_not_repeated(server: Server) -> None:
    """What was sent in the wrong place may be a password."""
    answer = await server.post("/json", body={"item": "a", "quantity": "s3cret", "password": 42_4242})
    assert 400 == answer.status
    assert "s3cret" not in answer.body.decode()
    assert "424242" not in answer.body.decode()


@pytest.mark.parametrize(
    "content_type", [None, "", "text/plain", "application/x-www-form-urlencoded", "application/jsonx", "json", "*/*"]
)
async def test_another_type_is_unsupported(server: Server, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = await server.post("/json", raw=b'{"item":"a","quantity":1}', headers=headers)
    assert (415, "unsupported_media_type") == (answer.status, answer.code)


@pytest.mark.parametrize(
    "headers", [{"Content-Encoding": "gzip"}, {"Content-Type": "application/json; charset=utf-16"}]
)
async def test_compressed_and_other_encodings_are_unsupported(server: Server, headers: dict[str, str]) -> None:
    answer = await server.post("/json", raw=b"{}", headers={"Content-Type": "application/json"} | headers)
    assert 415 == answer.status


async def test_a_body_that_is_too_large_is_refused_by_its_length(server: Server) -> None:
    largest = json.dumps({"item": "a", "quantity": 1}).ljust(MAX_BODY_BYTES).encode()
    headers = {"Content-Type": "application/json"}
    assert 200 == (await server.post("/json", raw=largest, headers=headers)).status
    answer = await server.post("/json", raw=largest + b" ", headers=headers)
    assert (413, "too_large") == (answer.status, answer.code)


async def test_a_body_without_length_is_cut_off_at_the_limit(server: Server) -> None:
    chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
    answer = await spoken(
        server.url, request("POST", "/json", "Content-Type: application/json", "Transfer-Encoding: chunked"), chunk * 20
    )
    assert 413 == status_of(answer)


async def test_a_body_that_does_not_arrive_is_not_waited_for(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.body._DEADLINE_S", 0.1)
    head = request("POST", "/json", "Content-Type: application/json", "Content-Length: 100")
    answer = await spoken(server.url, head, b'{"item":', pause_s=0.01)
    assert 408 == status_of(answer)


async def test_a_client_that_hangs_up_in_the_middle_harms_nobody(server: Server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]))
    writer.write(request("POST", "/json", "Content-Type: application/json", "Content-Length: 100") + b'{"item"')
    await asyncio.sleep(0.02)
    writer.transport.abort()
    assert b"" == await reader.read()
    assert 200 == (await server.post("/json", body={"item": "a", "quantity": 1})).status


async def test_a_form_is_read(server: Server) -> None:
    answer = await server.post("/form", form="a=1&b=x+y%26&empty=")
    assert {"a": "1", "b": "x y&", "empty": ""} == answer.json


@pytest.mark.parametrize(
    "form", ["a=1&a=2", "a=1&a=1", "a=1&%61=2", "a=\xff", "a=%ff", "&".join(f"f{n}=1" for n in range(65))]
)
async def test_a_form_with_two_meanings_is_a_bad_request(server: Server, form: str) -> None:
    """RFC 6749 §3.2: parameters must not be included more than once."""
    answer = await server.post("/form", raw=form.encode("latin-1"), headers={"Content-Type": FORM})
    assert 400 == answer.status


async def test_json_is_no_form(server: Server) -> None:
    assert 415 == (await server.post("/form", body={"a": 1})).status


FORM = "application/x-www-form-urlencoded"
