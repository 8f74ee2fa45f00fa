"""The generator inside the server's process: what is measured is the client, which is slower than the server."""

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import aiohttp
from aiohttp import web

from bench.artefacts.artefact import Artefact
from bench.bare import create_app, new_event_loop
from bench.cores import choose_placement, running_on
from bench.generator.client import Generators
from bench.generator.corpus import Corpus, prepare_request
from lab.processes import LOOPBACK, ServerProcess, free_port

_IN_FLIGHT = 32
_DURATION_S = 2.0
_ROOT = Path(__file__).resolve().parents[2]


def shared_process() -> Artefact:
    """Drive the same application from within and from outside."""
    return Artefact(
        what="requests per second that one aiohttp process answers",
        unit="/s",
        wrong_way="client and server in one process, one loop",
        wrong=_from_within(),
        right_way="generator in a process and on a core of its own",
        right=_from_outside(),
        lesson="The client took most of the time and the server got the blame; what differs between servers drowns.",
    )


def _from_within() -> float:
    with running_on(choose_placement().servers):
        finished = subprocess.run(
            [sys.executable, "-m", "bench.artefacts.shared_process"],
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
    return float(finished.stdout)


def _from_outside() -> float:
    placement = choose_placement()
    port = free_port()
    server = ServerProcess("bare", "bench.bare", {}, port)
    with tempfile.TemporaryDirectory() as directory, server, Generators(cores=placement.others) as generators:
        with running_on(placement.servers):
            server.start()
        server.wait_ready()
        corpus = Path(directory) / "corpus.json"
        Corpus((prepare_request(f"{LOOPBACK}:{port}", "/unguarded", {}, None),)).write(corpus)
        generators.prepare("bare", corpus, [(LOOPBACK, port)], connections=_IN_FLIGHT, seed=7)
        outcome = generators.closed(seed=7, duration_s=_DURATION_S)
    return outcome.answered / outcome.elapsed_s


async def _drive_yourself() -> float:
    """Serve and send in one event loop, as a test client does."""
    runner = web.AppRunner(create_app(), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, LOOPBACK, 0)
    await site.start()
    url = f"http://{LOOPBACK}:{runner.addresses[0][1]}/unguarded"
    loop = asyncio.get_running_loop()
    answered, end = 0, loop.time() + _DURATION_S

    async def send(client: aiohttp.ClientSession) -> None:
        nonlocal answered
        while loop.time() < end:
            async with client.get(url) as response:
                await response.read()
            answered += 1

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_IN_FLIGHT)) as client:
        await asyncio.gather(*(send(client) for _ in range(_IN_FLIGHT)))
    await runner.cleanup()
    return answered / _DURATION_S


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        print(runner.run(_drive_yourself()))
