"""Many clients at one moment: some stay for their answer, some hang up before it comes."""

import asyncio
import random
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress

from tests.faults.load.lane import LOOPBACK, Answer, Lanes

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_PATIENCE_S = 10.0


async def all_at_once(port: int, requests: Sequence[bytes]) -> list[Answer]:
    """Send requests in one moment, each on a connection of its own that is open before."""
    lanes = Lanes()
    try:
        await asyncio.gather(*(lanes.exchange(port, _HELLO, _PATIENCE_S) for _ in requests))
        return list(await asyncio.gather(*(lanes.exchange(port, raw, _PATIENCE_S) for raw in requests)))
    finally:
        lanes.close()


_HELLO = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


async def hang_up_on(requests: Sequence[tuple[int, bytes]], *, per_second: float, stay_s: tuple[float, float]) -> int:
    """Send each request to its port and leave after a while; return how many had an answer by then.

    Every second client resets its connection instead of closing it.
    """
    leaving = []
    for number, (port, raw) in enumerate(requests):
        leaving.append(asyncio.create_task(_leave(port, raw, random.uniform(*stay_s), abruptly=number % 2 == 0)))
        await asyncio.sleep(1 / per_second)
    return sum(await asyncio.gather(*leaving))


async def _leave(port: int, raw: bytes, stay_s: float, *, abruptly: bool) -> bool:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    if abruptly:
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.write(raw)
    answered = False
    with suppress(TimeoutError):
        async with asyncio.timeout(stay_s):
            answered = bool(await reader.read(1))
    writer.transport.abort()
    return answered
