"""The frontier once more, where the store is a network away: p99 latency with a round trip of one millisecond."""

from bench.figures.figure import Figure
from bench.figures.frontier import Point, draw_points, on_frontier, points_of, table_of
from bench.figures.words import listed
from bench.result import Interval, Result

ROUND_TRIP_MS = 1.0


def _points(result: Result) -> list[Point]:
    sweep = result.sweeps.get("store-round-trip")
    lags = {point.arm: point.lag for point in points_of(result)}
    found = []
    for measured in sweep.points if sweep else ():
        latency = measured.latency_ms
        if measured.x == ROUND_TRIP_MS and measured.arm in lags and latency and not latency.saturated:
            cost = latency.p99_interval or Interval(median=latency.p99, low=latency.p99, high=latency.p99)
            found.append(Point(measured.arm, cost, lags[measured.arm]))
    return found


def _sentence(result: Result) -> str:
    best = on_frontier(_points(result))
    return (
        f"With the store 1 ms away, {listed(point.arm for point in best)} {'is' if len(best) == 1 else 'are'} on the "
        f"frontier, at a p99 of {listed(f'{point.cost.median:.2g} ms' for point in best)}."
    )


FIGURE = Figure(
    name="frontier-1ms",
    title="The frontier where the store is 1 ms away",
    has=lambda result: len(_points(result)) > 1,
    draw=lambda result: draw_points(_points(result), "p99 latency, ms, store 1 ms away", control=False),
    sentence=_sentence,
    table=lambda result: table_of(_points(result), "p99 latency, ms"),
)
