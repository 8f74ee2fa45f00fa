"""Sweeps: everything stays as it is but one thing, and the answer moves. One sweep a file, named in the table below."""

from collections.abc import Callable

from bench.run import Run
from bench.sweeps import callers, claims, round_trip, servers

Phase = tuple[Callable[[Run], float], Callable[[Run], None]]

SWEEPS: dict[str, Phase] = {
    "store-round-trip": (round_trip.planned_s, round_trip.measure),
    "claims": (claims.planned_s, claims.measure),
    "callers": (callers.planned_s, callers.measure),
    "servers": (servers.planned_s, servers.measure),
}


def planned_s(run: Run) -> float:
    """Return how long the sweeps of this run's plan should take."""
    return sum(SWEEPS[name][0](run) for name in run.plan.sweeps)


def measure_sweeps(run: Run) -> None:
    """Measure the sweeps of this run's plan."""
    for name in run.plan.sweeps:
        SWEEPS[name][1](run)
