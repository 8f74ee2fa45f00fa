"""aiohttp quotes malformed bytes, credentials included, in its answers and its logs. Ours must not."""

import asyncio
import json
import logging
from typing import Any

import pytest

from core import connection
from tests.support.servers import Server, Servers
from tests.support.wire import request, spoken, status_of

CANARY = "canary-eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJyb290In0.c2lnbmF0dXJl"


@pytest.fixture
async def server(servers: Servers) -> Server:
    return await servers.resource()


MALFORMED = {
    "a control character in a header": f"GET /me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {CANARY}\0\r\n\r\n",
    "no colon": f"GET /me HTTP/1.1\r\nHost: x\r\nAuthorization Bearer {CANARY}\r\n\r\n",
    "a space before the colon": f"GET /me HTTP/1.1\r\nHost: x\r\nAuthorization : Bearer {CANARY}\r\n\r\n",
    "a folded header": f"GET /me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer\r\n {CANARY}\r\n\r\n",
    "no host": f"GET /me HTTP/1.1\r\nAuthorization: Bearer {CANARY}\r\nX\r\n\r\n",
    "a request line that is none": f"{CANARY}\r\n\r\n",
    "a path that is none": f"GET {CANARY} HTTP/1.1\r\nHost: x\r\n\r\n",
    "a bad escape in the path": f"GET /%zz{CANARY} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a huge header": f"GET /me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {CANARY * 500}\r\n\r\n",
    "an expectation": f"GET /me?{CANARY} HTTP/1.1\r\nHost: x\r\nExpect: {CANARY}\r\nConnection: close\r\n\r\n",
    "a bad length": f"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: {CANARY}\r\n\r\n",
    "a bad chunk": f"POST /orders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{CANARY}\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_malformed_request_is_never_echoed(
    server: Server, name: str, logged: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = await spoken(server.url, MALFORMED[name].encode("latin-1"))
    assert status_of(answer) in {400, 401, 404}
    assert b"application/problem+json" in answer
    shown = answer.decode("latin-1") + caplog.text + json.dumps(logged, default=str)
    assert "canary" not in shown
    assert "aiohttp" not in answer.decode("latin-1").lower()


async def test_a_malformed_request_is_logged_by_its_kind(server: Server, logged: list[Any]) -> None:
    await spoken(server.url, MALFORMED["no colon"].encode())
    (event,) = [event for event in logged if event["event"] == "http.malformed"]
    assert (400, "127.0.0.1") == (event["status"], event["address"])


async def test_after_malformed_bytes_the_connection_is_closed(server: Server) -> None:
    answer = await spoken(server.url, b"nonsense\r\n\r\n" + request("GET", "/livez"))
    assert 1 == answer.count(b"HTTP/1.1 ")
    assert b"Connection: close" in answer


async def test_a_token_in_the_url_is_ignored_and_not_logged(server: Server, logged: list[Any]) -> None:
    answer = await server.get(f"/me?access_token={CANARY}")
    assert 401 == answer.status
    assert "canary" not in json.dumps(logged, default=str) + str(answer)


async def test_a_client_that_sends_nothing_is_hung_up_on(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "FIRST_REQUEST_DEADLINE_S", 0.2)
    server = await servers.resource()
    assert b"" == await spoken(server.url, within_s=1)
    assert b"" == await spoken(server.url, b"GET /livez HT", within_s=1), "a request that never ends is none"


async def test_a_client_that_drips_is_hung_up_on_and_others_are_served(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slowloris (HTTP-03)."""
    monkeypatch.setattr(connection, "FIRST_REQUEST_DEADLINE_S", 0.3)
    server = await servers.resource()
    dripping = [
        asyncio.create_task(spoken(server.url, *[bytes([byte]) for byte in request("GET", "/livez")], pause_s=0.05))
        for _ in range(20)
    ]
    assert 200 == (await server.get("/livez")).status
    assert {b""} == set(await asyncio.gather(*dripping))


async def test_a_client_that_asked_once_may_stay(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "FIRST_REQUEST_DEADLINE_S", 0.1)
    server = await servers.resource()
    one = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = await spoken(server.url, one, request("GET", "/livez"), pause_s=0.3)
    assert 2 == answer.count(b"HTTP/1.1 200")


async def test_a_client_that_sends_and_never_reads_is_hung_up_on(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "UNREAD_DEADLINE_S", 0.3)
    server = await servers.resource()
    reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rpartition(":")[2]), limit=1024)
    reader._transport.pause_reading()  # type: ignore[attr-defined] # the only way not to read
    one = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"

    async def send_and_send() -> None:
        while True:
            writer.write(one * 200)
            await writer.drain()
            await asyncio.sleep(0.02)

    async with asyncio.timeout(10):
        with pytest.raises(ConnectionError):
            await send_and_send()
    writer.close()
    assert 200 == (await server.get("/livez")).status
