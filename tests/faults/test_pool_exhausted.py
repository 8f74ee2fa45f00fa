"""F-06: more calls to Redis at one moment than there are connections to it."""

import time
from collections.abc import Sequence

import psutil
import pytest

from core.redis_link import MAX_CONNECTIONS
from lab.fault_proxy_client import FaultProxy
from lab.processes import ServerProcess
from tests.faults.conftest import RowOf
from tests.faults.driver import Load
from tests.faults.experiment import Experiment
from tests.faults.house import House, introspection_of
from tests.faults.lines import REFUSES, reads, refreshes
from tests.faults.load.plan import Record
from tests.faults.people import log_in_all

pytestmark = pytest.mark.faults

EXHAUSTED_S = 4.0
ROUND_TRIP_MS = 90.0
CALLS_PER_REFRESH = 2
CAPACITY = MAX_CONNECTIONS / (ROUND_TRIP_MS / 1000) / CALLS_PER_REFRESH
ASKED_PER_SECOND = 230.0
FAMILIES_EACH, OTHERS_EACH = 85, 10
"""Enough that a refresh is always at hand, and fewer than an account may have."""
BESIDE_THE_POOL = 2
"""The connection of the reads, and one that takes its place."""
NOBODY_WAITS_S = 4.0
"""Generous: what a machine with other work adds to 0.3 s, and less than a queue without an end."""


def most_connections(auth: ServerProcess, proxy: FaultProxy) -> int:
    """Watch a server for a while; return how many connections to its store it had at most."""
    process, most = psutil.Process(auth.pid), 0
    deadline = time.monotonic() + EXHAUSTED_S
    while time.monotonic() < deadline:
        connections = process.net_connections("tcp4")
        most = max(most, sum(one.raddr[1:] == (proxy.port,) and one.status == "ESTABLISHED" for one in connections))
        time.sleep(0.3)
    return most


def told(records: Sequence[Record]) -> str:
    """Say how the crowd fared: everybody is served as himself or told to come back, and both happens."""
    assert {"200", "503"} == {record.outcome for record in records}, "there were more than the pool can serve"
    assert all(record.right for record in records)
    waits_ms = {
        outcome: sorted((record.done_s - record.asked_s) * 1000 for record in records if record.outcome == outcome)
        for outcome in ("200", "503")
    }
    served, refused = waits_ms["200"], waits_ms["503"]
    return (
        f"of {ASKED_PER_SECOND:.0f} refreshes a second {len(served) / EXHAUSTED_S:.0f} were served, "
        f"where {CAPACITY:.0f} is all that the pool can carry; half of the others were told to come back within "
        f"{refused[len(refused) // 2]:.0f} ms, all of them within {refused[-1]:.0f} ms"
    )


def test_whoever_finds_no_connection_is_told_so_soon(house: House, row_of: RowOf) -> None:
    proxy = house.proxy(house.redis("redis-auth").port)
    url = f"redis://127.0.0.1:{proxy.port}/0"
    auth = house.auth(url)
    denylisted, plain = house.resource("denylisted-jwt", RESOURCE_REDIS_URL=url), house.resource("plain-jwt")
    introspected = house.resource("introspected-token", **introspection_of(auth))
    house.ready()
    tokens = log_in_all(auth, FAMILIES_EACH)
    crowd = refreshes("refresh", auth, tokens, ASKED_PER_SECOND).line
    others = log_in_all(auth, OTHERS_EACH)
    lines = [
        refreshes("refresh", auth, others, 5, may_fail=REFUSES),
        reads("introspected-token", introspected, others, 15, may_fail=REFUSES),
        reads("denylisted-jwt", denylisted, others, 15, may_fail=REFUSES),
        reads("plain-jwt", plain, others, 15, stale_s=None),
    ]
    servers = [auth, denylisted, introspected, plain]
    with row_of(
        "F-06", "Pool exhausted",
        injected=f"each reply of Redis delayed by {ROUND_TRIP_MS:g} ms for {EXHAUSTED_S:g} s while "
        f"{ASKED_PER_SECOND:.0f} refreshes a second, {CALLS_PER_REFRESH} calls each, come to an auth server that has "
        f"{MAX_CONNECTIONS} connections",
        promise="who gets no connection within 0.1 s is told to come back; nobody queues for longer, no connection is "
        "opened beyond the pool, and reads, which need none of it, go on",
    ) as row:  # fmt: skip
        experiment = Experiment("too many refreshes", lines, servers, recovers_within_s=2.0)
        with experiment.running(warm_s=1, after_s=2.5), experiment.fault():
            proxy.delay(to_client_ms=ROUND_TRIP_MS)
            with Load([crowd]) as load:
                connections = most_connections(auth, proxy)
                row.notes.append(told(load.stop()))
            proxy.heal()
        row.runs.append(experiment.measured)
        row.notes.append(f"the auth server had {connections} connections to its store at most")
        read = experiment.measured.verdicts["introspected-token"]
        row.notes.append(
            f"{read.outcomes['200']} of {read.requests} introspections by the same server were served all the while"
        )
        assert MAX_CONNECTIONS <= connections <= MAX_CONNECTIONS + BESIDE_THE_POOL
        assert experiment.measured.worst_s < NOBODY_WAITS_S
