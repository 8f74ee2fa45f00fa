"""F-16: a storm of logins hashes passwords at full cost beside reads of the same server."""

import time
from dataclasses import replace

import pytest

from core.settings import DEFAULT_HASH_MEMORY_KIB
from tests.faults.conftest import RowOf
from tests.faults.experiment import Experiment, Guarded
from tests.faults.house import House
from tests.faults.latency import quantile_ms
from tests.faults.lines import REFUSES, UNAFFECTED, logins, reads
from tests.faults.load.plan import Line, Shot
from tests.faults.oracle import Watched
from tests.faults.people import log_in_all

pytestmark = pytest.mark.faults

AT_ONCE = 200
STORM_S = 3.0
_PATIENCE_S = 14.0
"""Of the clients that log in: a queue of 128 hashes is long on a busy machine."""
MOST_READS = 0.9


def storm(login_line: Guarded) -> Guarded:
    """Have as many clients as that log in at the same moment, each once."""
    line = login_line.line
    shots = line.shots * AT_ONCE
    return replace(login_line, line=replace(line, rate=10_000, shots=shots, once=True, timeout_s=_PATIENCE_S))


def test_logins_by_the_hundred_stop_neither_reads_nor_the_sign_of_life(house: House, row_of: RowOf) -> None:
    store = house.redis("redis-sessions").url
    server = house.session("redis-session", store, LOGIN_HASH_MEMORY_KIB=str(DEFAULT_HASH_MEMORY_KIB))
    house.ready()
    cookies = log_in_all(server, 10)
    alive = Shot("GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "health check")
    lines = [
        reads("reads", server, cookies, 100, may_fail=REFUSES),
        Guarded(Line("livez", (server.port,), 20, (alive,)), Watched(None, UNAFFECTED)),
    ]
    with row_of(
        "F-16", "Event loop blocked by work",
        injected=f"{AT_ONCE} logins at the same moment, each with an argon2id hash of "
        f"{DEFAULT_HASH_MEMORY_KIB // 1024} MiB, on a server that also serves reads",
        promise="as many logins as can wait are served, the others are told 503 at once; reads go on, and /livez is "
        "always answered",
    ) as row:  # fmt: skip
        calm = Experiment("without a storm", lines, [server])
        with calm.running(after_s=0.5), calm.fault():
            time.sleep(1)
        beside = Experiment("reads beside the storm", lines, [server], recovers_within_s=1.0)
        with beside.running(), beside.fault():
            burst = Experiment("logins", [storm(logins("logins", server, "root", 1, may_fail=REFUSES))], [server])
            with burst.running(warm_s=0, after_s=0), burst.fault():
                time.sleep(STORM_S)
        outcomes = burst.measured.verdicts["logins"].outcomes
        assert AT_ONCE == outcomes.total()
        assert outcomes["200"] >= AT_ONCE // 10, outcomes
        row.notes.append(
            f"{outcomes['200']} logged in, the last after {quantile_ms(burst.records, 1.0)} ms; {outcomes['503']} were "
            f"told to come back, half of them within {quantile_ms(burst.records, 0.5, outcome='503')} ms"
        )
        row.runs += [calm.measured, beside.measured, burst.measured]
        outcomes = beside.measured.verdicts["reads"].outcomes
        assert outcomes["200"] >= MOST_READS * outcomes.total(), outcomes
        for name in ("reads", "livez"):
            before_ms, during_ms = (
                quantile_ms([record for record in run.records if record.line == name], 0.99) for run in (calm, beside)
            )
            row.notes.append(f"{name}: p99 {before_ms} ms without a storm, {during_ms} ms beside it")
