"""Clients that send a byte at a time, stop in the middle, or do not read (HTTP-03): cut off, and nobody else waits."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, suppress

import pytest
from aiohttp import web

import core.body
import core.connection
from core.service import listen, serving
from core.settings import load
from resource_server.app import create_app
from resource_server.settings import ResourceSettings
from tests.attacks.forge import b64, thumbprint
from tests.attacks.insider import Insider
from tests.attacks.system import System
from tests.attacks.wire import Wire, call

SLOW = 300
SECRET = os.urandom(32)
ISSUER = "http://127.0.0.1:1"
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def good_token() -> str:
    kid = thumbprint({"kty": "oct", "k": b64(SECRET)}, ("k", "kty"))
    return Insider(ISSUER, kid, SECRET).sign()


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> web.Application:
    """Build a server with deadlines that a test can wait for."""
    monkeypatch.setattr(core.connection, "FIRST_REQUEST_DEADLINE_S", 0.4)
    monkeypatch.setattr(core.connection, "KEEPALIVE_S", 0.6)
    monkeypatch.setattr(core.connection, "UNREAD_DEADLINE_S", 0.5)
    monkeypatch.setattr(core.body, "_DEADLINE_S", 0.3)
    return create_app(load(ResourceSettings, {"RESOURCE_SHARED_SECRET": b64(SECRET), "RESOURCE_ISSUER": ISSUER}))


@pytest.fixture
async def port(app: web.Application) -> AsyncIterator[int]:
    listening = listen("127.0.0.1", 0)
    async with serving(app, listening):
        yield listening.getsockname()[1]


async def closed_after_s(port: int, begin: bytes, drip: bytes = b"", *, gives_up_after_s: float = 5.0) -> float:
    """Send the beginning of a request and then a little more, now and then; return when the server hung up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.monotonic()

    async def keep_dripping() -> None:
        with suppress(ConnectionError):
            while True:
                await asyncio.sleep(0.05)
                writer.write(drip)
                await writer.drain()

    writer.write(begin)
    dripping = asyncio.create_task(keep_dripping())
    try:
        async with asyncio.timeout(gives_up_after_s):
            with suppress(ConnectionError):
                while await reader.read(65536):
                    pass
            return time.monotonic() - began
    finally:
        dripping.cancel()
        writer.transport.abort()


GET = b"GET /unguarded HTTP/1.1\r\nHost: x\r\n\r\n"


HEADS = {
    "silence": (b"", b""),
    "a letter": (b"G", b""),
    "half a head": (b"GET /unguarded HTTP/1.1\r\nHost: x\r\n", b""),
    "a dripping head": (b"GET /unguarded HTTP/1.1\r\nHost: x\r\nA: ", b"a"),
    "a dripping path": (b"GET /", b"a"),
    "an idle connection": (GET, b""),
    "a dripping second path": (GET + b"GET /", b"a"),
    "a dripping second head": (GET + b"GET /unguarded HTTP/1.1\r\nA: ", b"a"),
}


def post(path: str, token: str) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
    return head.encode() + b"Content-Length: 9000\r\n\r\n{"


async def test_a_slow_head_is_cut_off(port: int) -> None:
    took = await asyncio.gather(*(closed_after_s(port, *sent) for sent in HEADS.values()))
    assert {} == {name: took_s for name, took_s in zip(HEADS, took, strict=True) if not 0.3 < took_s < 2.5}


async def test_a_slow_body_is_cut_off(port: int) -> None:
    """Whether a handler waits for it, or answered without reading it."""
    sent = [(post(path, ""), drip) for path in ("/orders", "/me", "/nothing-here") for drip in (b"", b"x")]
    sent += [(post("/orders", good_token()), drip) for drip in (b"", b"x")]
    took = await asyncio.gather(*(closed_after_s(port, *one) for one in sent))
    assert max(took) < 4.5, took


async def test_a_client_is_told_that_its_body_was_too_slow(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(post("/orders", good_token()))
    assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 408 ")
    writer.transport.abort()


async def test_a_client_that_does_not_read_is_cut_off(port: int) -> None:
    """A hundred thousand pipelined requests whose answers nobody takes must not be kept for ever."""
    _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)

    async def send_without_reading() -> None:
        while True:
            writer.write(GET * 500)
            await writer.drain()

    began = time.monotonic()
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(send_without_reading(), 20)
    assert time.monotonic() - began > 0.3
    writer.transport.abort()


async def test_a_client_that_does_read_is_not(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(12):
        writer.write(GET)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        await reader.readuntil(b"}")
        await asyncio.sleep(0.1)
    writer.close()


def test_a_crowd_of_slow_clients_is_cut_off_in_time_and_delays_nobody(system: System) -> None:
    """With the deadlines as they are: 10 s for the first request."""
    server = system.resources()[0]
    took: list[float] = []
    with ExitStack() as stack:
        crowd = [stack.enter_context(Wire(server.port, timeout_s=15)) for _ in range(SLOW)]
        began = time.monotonic()
        while (elapsed_s := time.monotonic() - began) < 9:
            for wire in crowd[int(elapsed_s * 10) % 10 :: 10]:
                wire.send(b"G" if elapsed_s < 1 else b"E")
            asked = time.monotonic()
            assert 200 == call(server.port, "GET", "/unguarded").status
            took.append(time.monotonic() - asked)
            time.sleep(0.1)
        deadline = began + core.connection.FIRST_REQUEST_DEADLINE_S + 2
        assert all(wire.is_closed(within_s=max(0.1, deadline - time.monotonic())) for wire in crowd)
    assert sorted(took)[len(took) * 9 // 10] < 0.25
