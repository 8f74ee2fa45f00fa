"""Speak HTTP byte by byte, also the wrong way."""

import asyncio
from urllib.parse import urlsplit


async def spoken(url: str, *pieces: bytes, pause_s: float = 0.0, within_s: float = 5.0) -> bytes:
    """Send pieces of bytes one after the other, and return everything that comes back until the server hangs up."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(pause_s)
        async with asyncio.timeout(within_s):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def request(method: str, path: str, *headers: str, body: bytes = b"", version: str = "1.1") -> bytes:
    """Write a request that asks the server to hang up after the answer."""
    lines = [f"{method} {path} HTTP/{version}", "Host: 127.0.0.1", "Connection: close", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def status_of(answer: bytes) -> int:
    """Return the status of the first answer, 0 if there is none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0
