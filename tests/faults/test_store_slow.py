"""F-03: both Redis answer late, evenly or not, within what a call may take and beyond it."""

import random
import time
from collections.abc import Sequence

import pytest

from core.redis_link import DEADLINE_S
from tests.faults.both_sides import BothSides
from tests.faults.conftest import RowOf
from tests.faults.experiment import Experiment
from tests.faults.house import House
from tests.faults.load.plan import Record

pytestmark = pytest.mark.faults

SLOW_S = 2.5
CHANGES_EVERY_S = 0.05
FROM_MS, TO_MS = 50.0, 150.0
BEYOND_MS = 500.0
ASKS_EACH_TIME = ("denylisted-jwt", "introspected-token", "redis-session")
NOBODY_WAITS_S = 2.0


def slow_down(system: BothSides, delays_ms: Sequence[float]) -> None:
    """Let each delay of a sequence hold for a moment, then none any more."""
    for delay_ms in delays_ms:
        for proxy in system.proxies:
            proxy.delay(to_client_ms=delay_ms)
        time.sleep(SLOW_S / len(delays_ms))
    for proxy in system.proxies:
        proxy.heal()


def jittered() -> list[float]:
    return [random.uniform(FROM_MS, TO_MS) for _ in range(round(SLOW_S / CHANGES_EVERY_S))]


def during(experiment: Experiment, names: Sequence[str], *, settled_s: float) -> list[Record]:
    """Return the reads that left well within the fault and came back before its end, by those still logged in."""
    began_s = experiment.measured.began_s
    ended_s = began_s + experiment.measured.fault_s
    return [
        record
        for record in experiment.records
        if record.line in names
        and record.outcome != "401"
        and began_s + settled_s <= record.sent_s
        and record.done_s <= ended_s
    ]


def told(records: Sequence[Record], name: str) -> str:
    served = sorted(record.done_s - record.asked_s for record in records if record.outcome == "200")
    share = f"{name}: {len(served)} of {len(records)} reads that asked the slow store were served"
    if not served:
        return share
    median_ms, p99_ms = (served[int(len(served) * quantile)] * 1000 for quantile in (0.5, 0.99))
    return f"{share}, half of them within {median_ms:.0f} ms, 99 % within {p99_ms:.0f} ms"


def test_a_slow_store_serves_within_the_deadline_and_is_given_up_beyond_it(house: House, row_of: RowOf) -> None:
    system = BothSides(house)
    runs = (("50 ms", [FROM_MS]), ("50 to 150 ms", jittered()), ("500 ms", [BEYOND_MS]))
    with row_of(
        "F-03", "Redis slow",
        injected=f"every reply of both Redis delayed by {FROM_MS:g} ms, by {FROM_MS:g} to {TO_MS:g} ms changing each "
        f"{CHANGES_EVERY_S * 1000:g} ms, by {BEYOND_MS:g} ms, each for {SLOW_S:g} s",
        promise=f"what is answered within the deadline of {DEADLINE_S * 1000:g} ms is served, at least nine in ten "
        "reads; beyond it everybody is told to come back by the deadline; whoever needs no store notices nothing",
    ) as row:  # fmt: skip
        for name, delays_ms in runs:
            experiment = Experiment(name, system.lines(), system.servers, recovers_within_s=2.0)
            with experiment.running(warm_s=1, after_s=1.5), experiment.fault():
                slow_down(system, delays_ms)
            row.runs.append(experiment.measured)
            assert experiment.measured.worst_s < NOBODY_WAITS_S
            asked = during(experiment, ASKS_EACH_TIME, settled_s=0.2)
            served = sum(record.outcome == "200" for record in asked)
            assert served == 0 if delays_ms == [BEYOND_MS] else served > 0.9 * len(asked), told(asked, name)
            row.notes.append(told(asked, name))
