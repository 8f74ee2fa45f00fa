"""F-02: both Redis accept connections and do not answer, frozen by a signal or paused by a command."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults.both_sides import BothSides, administering
from tests.faults.conftest import RowOf
from tests.faults.experiment import Experiment
from tests.faults.house import House

pytestmark = pytest.mark.faults

PAUSED_S = 3.0
NOBODY_WAITS_S = 2.0
"""Ten deadlines of 0.2 s: far more than one call takes on a busy machine, far less than a client that retries."""


@contextmanager
def frozen(system: BothSides) -> Iterator[None]:
    for store in system.stores:
        store.pause()
    yield
    for store in system.stores:
        store.resume()


@contextmanager
def told_to_pause(system: BothSides) -> Iterator[None]:
    with administering(system.stores) as clients:
        for client in clients:
            client.execute_command("CLIENT", "PAUSE", round(PAUSED_S * 1000), "ALL")  # type: ignore[no-untyped-call] # redis-py leaves it untyped
    yield


def test_a_store_that_stays_silent_costs_a_deadline_and_no_more(house: House, row_of: RowOf) -> None:
    system = BothSides(house)
    with row_of(
        "F-02", "Redis paused",
        injected=f"SIGSTOP to both Redis for {PAUSED_S:g} s, then SIGCONT; CLIENT PAUSE ALL for as long: connections "
        "are accepted, nothing is answered, and what was sent meanwhile is carried out afterwards",
        promise="whoever needs the store answers 503 by the deadline of one call, everybody else notices nothing; "
        "what a caller was not told is either undone or the same on retry",
    ) as row:  # fmt: skip
        for name, silence in (("SIGSTOP", frozen), ("CLIENT PAUSE", told_to_pause)):
            experiment = Experiment(name, system.lines(), system.servers, recovers_within_s=2.0)
            with experiment.running(warm_s=1, after_s=3), experiment.fault(), silence(system):
                time.sleep(PAUSED_S)
            row.runs.append(experiment.measured)
            assert experiment.measured.worst_s < NOBODY_WAITS_S
            without_store = experiment.measured.verdicts["plain-jwt"]
            row.notes.append(
                f"{name}: {without_store.requests} requests to the server without a store, all served, the slowest "
                f"after {without_store.worst_s * 1000:.0f} ms"
            )
