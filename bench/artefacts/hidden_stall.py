"""A closed loop waits for a stall to pass before it sends again: the requests that would have met it are never sent."""

import asyncio
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from bench.artefacts.artefact import Artefact
from bench.cores import choose_placement, running_on
from bench.generator.client import Generators
from bench.generator.corpus import Corpus, prepare_request
from lab.processes import LOOPBACK, ServerProcess, free_port

_RATE_RPS = 400.0
_DURATION_S = 6.0
_STALL_S = 0.3
_EVERY_S = 1.5
_CONNECTIONS = 4


def hidden_stall() -> Artefact:
    """Measure the 99th percentile of a server that stops for 300 ms every 1.5 s, both ways."""
    placement, port = choose_placement(), free_port()
    server = ServerProcess("stalling", "bench.artefacts.hidden_stall", {}, port)
    with tempfile.TemporaryDirectory() as directory, server, Generators(cores=placement.others) as generators:
        with running_on(placement.servers):
            server.start()
        server.wait_ready()
        corpus = Path(directory) / "corpus.json"
        Corpus((prepare_request(f"{LOOPBACK}:{port}", "/", {}, None),)).write(corpus)
        generators.prepare("stalling", corpus, [(LOOPBACK, port)], connections=_CONNECTIONS, seed=7)
        closed = generators.closed(seed=7, duration_s=_DURATION_S)
        opened = generators.open(seed=7, duration_s=_DURATION_S, rate=_RATE_RPS)
    return Artefact(
        what=f"p99 latency of a server that stops for {_STALL_S * 1000:.0f} ms every {_EVERY_S:g} s",
        unit="ms",
        wrong_way="closed loop: the next request waits for the last answer",
        wrong=closed.latency.percentile_us(99) / 1000,
        right_way="open loop: requests leave on a schedule and count from then",
        right=opened.latency.percentile_us(99) / 1000,
        lesson="Callers come whether or not the server stalls; a closed loop sends one request per connection into it.",
    )


async def _serve(port: int) -> None:
    """Answer everything at once, but stop dead from time to time, as a collection or a slow disk would make it."""
    stalled_at = time.monotonic()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal stalled_at
        with suppress(asyncio.IncompleteReadError, ConnectionError):  # the other side hung up
            while await reader.readuntil(b"\r\n\r\n"):
                if time.monotonic() - stalled_at > _EVERY_S:
                    time.sleep(_STALL_S)  # noqa: ASYNC251 - it is the point that everybody waits
                    stalled_at = time.monotonic()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, LOOPBACK, port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(os.environ["PORT"])))
