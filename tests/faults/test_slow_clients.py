"""F-27: hundreds of clients that send hardly anything, beside others that behave."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import pytest

from core.connection import FIRST_REQUEST_DEADLINE_S
from lab.processes import LOOPBACK, ServerProcess
from tests.faults.conftest import RowOf
from tests.faults.counters import counted
from tests.faults.experiment import Experiment
from tests.faults.house import House
from tests.faults.lines import REFUSES, logins, logouts, reads, refreshes
from tests.faults.people import log_in_all

pytestmark = pytest.mark.faults

EACH = 60
"""Of every kind, at every server."""
DRIP_EVERY_S = 1.0
AT_THE_LATEST_S = FIRST_REQUEST_DEADLINE_S + 4.0
"""With room for a machine that has other things to do."""
KINDS = {
    "silent": (b"", b""),
    "slow head": (b"GET /me HTTP/1.1\r\nHost: x\r\nA: ", b"a"),
    "slow body": (
        b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n{",
        b" ",
    ),
}
"""What each kind of client begins with, and what it sends now and then."""


@dataclass(frozen=True, slots=True)
class Slow:
    """A client that was cut off, or was not."""

    kind: str
    half_open: bool
    """It has said that it sends no more, and leaves its side of the connection open all the same."""
    cut_after_s: float | None


async def slow_client(port: int, kind: str, *, half_open: bool) -> Slow:
    """Connect and dawdle; return when the server hung up."""
    begin, drip = KINDS[kind]
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    began_s = time.monotonic()
    writer.write(begin)
    if half_open:
        writer.write_eof()
    try:
        async with asyncio.timeout(AT_THE_LATEST_S):
            reading = asyncio.create_task(read_to_the_end(reader))
            while not (await asyncio.wait([reading], timeout=DRIP_EVERY_S))[0]:
                if not half_open:
                    writer.write(drip)
    except TimeoutError:
        return Slow(kind, half_open, None)
    finally:
        reading.cancel()
        writer.transport.abort()
    return Slow(kind, half_open, time.monotonic() - began_s)


async def read_to_the_end(reader: asyncio.StreamReader) -> None:
    """Return when the server has closed the connection."""
    with suppress(ConnectionError):
        while await reader.read(65536):
            pass


async def slow_clients(servers: Sequence[ServerProcess]) -> list[Slow]:
    """Send all of them to all servers, and return when each has been cut off, or should have been."""
    clients = [
        slow_client(server.port, kind, half_open=half_open)
        for server in servers
        for kind in KINDS
        for half_open in (False, True)
        for _ in range(EACH // 2)
    ]
    return await asyncio.gather(*clients)


def test_clients_that_dawdle_are_cut_off_and_others_do_not_notice(house: House, row_of: RowOf) -> None:
    store = house.redis("redis-auth").url
    auth, plain = house.auth(store), house.resource("plain-jwt")
    sessions = house.session("redis-session", house.redis("redis-sessions").url, SESSION_ACCOUNTS_REDIS_URL=store)
    house.ready()
    servers = [auth, plain, sessions]
    tokens, cookies = log_in_all(auth, 20), log_in_all(sessions, 20)
    lines = [
        reads("plain-jwt", plain, tokens, 30, may_fail=REFUSES, stale_s=None),
        reads("redis-session", sessions, cookies, 30, may_fail=REFUSES),
        refreshes("refresh", auth, tokens[30:], 5, may_fail=REFUSES),
        logouts("session logout", sessions, cookies[30:], 1, may_fail=REFUSES),
        logins("token login", auth, "root", 2, may_fail=REFUSES),
    ]
    count = len(servers) * len(KINDS) * EACH
    with row_of(
        "F-27", "Slow and half-open clients",
        injected=f"{count} connections to three servers beside the load: silent ones, heads and bodies a letter per "
        f"{DRIP_EVERY_S:g} s; half of them say that they send no more and stay",
        promise=f"all are cut off within {FIRST_REQUEST_DEADLINE_S:g} s, bodies sooner; no more than 1 % of the "
        "others' requests are told to come back",
    ) as row:  # fmt: skip
        experiment = Experiment("slow clients", lines, servers)
        with experiment.running(warm_s=1, after_s=1), experiment.fault():
            slow = asyncio.run(slow_clients(servers))
        row.runs.append(experiment.measured)
        assert set() == {one.kind for one in slow if one.cut_after_s is None}, "some were not cut off"
        assert count == len(slow)
        shed = sum(len(verdict.failures) for verdict in experiment.measured.verdicts.values())
        assert shed < 0.01 * experiment.measured.requests, "letters are not counted as requests"
        row.notes.append(f"{shed} of {experiment.measured.requests} requests of the others were told to come back")
        for (kind, half_open), times in cut_after(slow).items():
            told = f"{kind}, half-open" if half_open else kind
            row.notes.append(
                f"{told}: {len(times)} cut off, {min(times):.1f} to {max(times):.1f} s after they connected"
            )
        assert max(counted(server, "authlab_connections") for server in servers) < 20, "none of them is left"


def cut_after(slow: Sequence[Slow]) -> dict[tuple[str, bool], list[float]]:
    """Return after how long the clients of each kind were cut off."""
    times: defaultdict[tuple[str, bool], list[float]] = defaultdict(list)
    for one in slow:
        if one.cut_after_s is not None:
            times[one.kind, one.half_open].append(one.cut_after_s)
    return times
