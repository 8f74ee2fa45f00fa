"""A server that is told to go answers whoever has begun, be it in halves or at the last moment; nobody else."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from time import monotonic

import pytest
from aiohttp import web

from core import service
from core.answers import Answer, json_answer
from core.authorization import PUBLIC
from core.body import read_form
from core.endpoint import Endpoint
from core.service import Service, build_app, listen, serving
from core.settings import ServerSettings
from tests.core.nobody import nobody
from tests.support.wire import request, status_of

DRAIN_S, NEWCOMER_S = 0.1, 1.0
LATER_S = 0.6
"""After the door is closed, and after a server that waits for nobody would have hung up."""
GET = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
POST = request("POST", "/form", "Content-Type: application/x-www-form-urlencoded", body=b"one=1&two=2")


class Going:
    """A server inside this process, until it is told to go."""

    def __init__(self) -> None:
        async def echo(request: web.Request) -> Answer:
            return json_answer(await read_form(request))

        endpoints = [Endpoint("POST", "/form", echo, PUBLIC, "Form")]
        self._app = build_app(ServerSettings(port=0), Service("A test", endpoints, nobody, {}))
        self._listening = listen("127.0.0.1", 0)
        self._port = self._listening.getsockname()[1]
        self._told = asyncio.Event()
        self._serving = asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        async with serving(self._app, self._listening, drain_s=DRAIN_S):
            await self._told.wait()

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect anew."""
        return await asyncio.open_connection("127.0.0.1", self._port)

    def tell(self) -> None:
        """Tell it to go."""
        self._told.set()

    async def gone_after_s(self) -> float:
        """Tell it to go, and return how long it took to be gone."""
        began_s = monotonic()
        self.tell()
        await asyncio.wait_for(self._serving, 10)
        return monotonic() - began_s


@pytest.fixture
async def server() -> AsyncIterator[Going]:
    server = Going()
    yield server
    await server.gone_after_s()


@pytest.mark.parametrize(
    ("first", "rest"),
    [(GET[:9], GET[9:]), (GET[:-2], GET[-2:]), (POST[:-5], POST[-5:]), (b"", GET)],
    ids=["half a path", "all but the last line", "half a body", "nothing yet"],
)
async def test_whoever_has_begun_is_answered(server: Going, first: bytes, rest: bytes) -> None:
    reader, writer = await server.connect()
    writer.write(first)
    await asyncio.sleep(0.1)
    server.tell()
    await asyncio.sleep(DRAIN_S + LATER_S)
    writer.write(rest)
    answer = await asyncio.wait_for(reader.read(), 8)
    assert (200, True) == (status_of(answer), b"Connection: close" in answer)
    writer.close()


async def test_a_later_request_of_a_kept_connection_is_answered_too(server: Going) -> None:
    """Also when an earlier one came in pieces, as this one does."""
    reader, writer = await server.connect()
    for piece in (GET[:9], GET[9:]):
        writer.write(piece)
        await asyncio.sleep(0.05)
    assert 200 == status_of(await reader.readuntil(b"}"))
    writer.write(GET[:9])
    await asyncio.sleep(0.1)
    server.tell()
    await asyncio.sleep(DRAIN_S + LATER_S)
    writer.write(GET[9:])
    assert 200 == status_of(await asyncio.wait_for(reader.read(), 8))
    writer.close()


@pytest.mark.parametrize("pieces", [(GET,), (GET[:9], GET[9:])], ids=["whole", "in pieces"])
async def test_nobody_waits_for_an_idle_connection(server: Going, pieces: tuple[bytes, ...]) -> None:
    reader, writer = await server.connect()
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(0.05)
    await reader.readuntil(b"}")
    assert await server.gone_after_s() < DRAIN_S + NEWCOMER_S
    assert b"" == await reader.read()
    writer.close()


@pytest.mark.parametrize("begun", [b"", b"GET /"], ids=["silent", "stuck"])
async def test_nobody_is_waited_for_for_ever(server: Going, monkeypatch: pytest.MonkeyPatch, begun: bytes) -> None:
    monkeypatch.setattr(service, "_UNFINISHED_S", 0.4)
    monkeypatch.setattr(service, "_NEWCOMER_S", 0.2)
    reader, writer = await server.connect()
    writer.write(begun)
    await asyncio.sleep(0.1)
    assert await server.gone_after_s() < 3
    with contextlib.suppress(ConnectionError):
        assert b"" == await reader.read()
    writer.close()
