"""F-17: three times as many requests come as one core can answer."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.cores import choose_placement, move
from lab.processes import ServerProcess
from tests.faults.conftest import RowOf
from tests.faults.experiment import Experiment, Guarded
from tests.faults.house import House
from tests.faults.lines import REFUSES, reads
from tests.faults.load.plan import Line, Shot
from tests.faults.measured import Measured
from tests.faults.oracle import Watched
from tests.faults.people import log_in_all
from tests.faults.surge import Goodput, Surge

pytestmark = pytest.mark.faults

BUSY, MANY, TOO_MANY = 32, 512, 2048
"""Connections that keep a core busy; those of an overload; and so many that all that is too much gets in."""
PEAK_S, OVERLOAD_S = 2.0, 3.0
TIMES = 3.0
ROUNDS = 3
"""Whatever else runs on the machine can only make an overload look worse: the best of some rounds counts."""
PROMISED = 0.9
RECOVERS_WITHIN_S = 2.0


def test_what_is_too_much_is_told_to_come_back_and_the_rest_is_served(
    house: House, row_of: RowOf, tmp_path: Path
) -> None:
    auth = house.auth(house.redis("redis").url)
    server = house.resource("plain-jwt", RESOURCE_TOKEN_CACHE="0")
    house.ready()
    move(server.pid, choose_placement().servers)
    people = log_in_all(auth, 25)
    calm_callers = Beside(server, [reads("reads", server, people, 20, may_fail=REFUSES), health_checks(server.port)])
    with row_of(
        "F-17", "Overload",
        injected=f"one core, every token verified anew; what it can do is measured over {BUSY} connections, "
        f"then {TIMES:g} times as many requests leave over {MANY}, whatever is answered; up to {ROUNDS} rounds, of "
        f"which the best counts; then once over {TOO_MANY}, so that what is too much has to be told so",
        promise=f"goodput stays at {PROMISED:.0%} of the peak or more; whoever is not served gets 503; /livez is "
        f"always answered; nobody is refused {RECOVERS_WITHIN_S:g} s after it is over",
    ) as row, Surge(server, people, tmp_path) as surge:  # fmt: skip
        shares: list[float] = []
        peaks: list[Goodput] = []
        while len(shares) < ROUNDS and max(shares, default=0.0) < PROMISED:
            peaks.append(surge.peak(BUSY, PEAK_S))
            kept, calm = overload(surge, peaks[-1], MANY, f"round {len(peaks)}", calm_callers)
            row.runs.append(calm)
            row.notes.append(told(f"round {len(peaks)}, {MANY} connections", peaks[-1], kept))
            assert_nobody_was_lost(kept, MANY)
            shares.append(kept.share_of(peaks[-1]))
        assert max(shares) >= PROMISED, row.notes
        kept, calm = overload(surge, peaks[-1], TOO_MANY, f"{TOO_MANY} connections", calm_callers)
        row.runs.append(calm)
        row.notes.append(told(f"{TOO_MANY} connections (to refuse costs, too: nothing is promised)", peaks[-1], kept))
        assert_nobody_was_lost(kept, TOO_MANY)


@dataclass(frozen=True, slots=True)
class Beside:
    """A few callers of the same server, who go on after the overload."""

    server: ServerProcess
    lines: list[Guarded]


def overload(surge: Surge, peak: Goodput, connections: int, name: str, beside: Beside) -> tuple[Goodput, Measured]:
    """Send too much for a while."""
    experiment = Experiment(name, beside.lines, [beside.server], recovers_within_s=RECOVERS_WITHIN_S)
    with experiment.running(warm_s=0.5, after_s=RECOVERS_WITHIN_S + 1), experiment.fault():
        kept = surge.at(TIMES * peak.each_s, connections, OVERLOAD_S)
    return kept, experiment.measured


def assert_nobody_was_lost(kept: Goodput, connections: int) -> None:
    """Fail unless everybody was served or told to come back, but those who were still waiting at the end."""
    assert {"503"} >= kept.others.keys()
    assert kept.unfinished <= connections


def health_checks(port: int) -> Guarded:
    """Ask for a sign of life, which is never refused."""
    shot = Shot("GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "health check")
    return Guarded(Line("livez", (port,), 20, (shot,)), Watched(None))


def told(name: str, peak: Goodput, kept: Goodput) -> str:
    """Tell of one round."""
    return (
        f"{name}: {peak.each_s:.0f}/s at its peak, {kept.each_s:.0f}/s of {TIMES * peak.each_s:.0f}/s in the overload "
        f"({kept.share_of(peak):.0%}); p99 of what was served {kept.outcome.service.percentile_us(99) / 1000:.0f} ms; "
        f"told to come back: {kept.others.get('503', 0)}"
    )
