"""The figures of a report, one a file, in the order in which they are shown. A new one is a file and a line here."""

from bench.figures import (
    breakdown,
    callers,
    claims,
    failures,
    frontier,
    frontier_far,
    lags,
    latency_curves,
    round_trip,
    scaling,
)
from bench.figures.figure import Figure

FIGURES: tuple[Figure, ...] = (
    frontier.FIGURE,
    frontier_far.FIGURE,
    breakdown.FIGURE,
    lags.FIGURE,
    latency_curves.FIGURE,
    round_trip.FIGURE,
    claims.FIGURE,
    callers.FIGURE,
    scaling.FIGURE,
    *failures.FIGURES,
)
