"""Where the curves cross as the store moves away."""

from itertools import combinations, pairwise

from matplotlib.figure import Figure as Picture

from bench.figures.figure import Figure
from bench.figures.lines import answered, arms_of, cpu, draw_lines, line_of, percentile, table_of
from bench.figures.style import FAINT, new_picture
from bench.figures.words import crossings, listed
from bench.result import Result, SweepPoint

_P50 = percentile("p50")
_CLEARLY = 0.05
_COLUMNS = {
    "p50 ms": _P50,
    "p99 ms": percentile("p99"),
    "CPU µs": cpu,
    "answers/s": answered,
}


def _points(result: Result) -> tuple[SweepPoint, ...]:
    sweep = result.sweeps.get("store-round-trip")
    return sweep.points if sweep else ()


def find_crossings(result: Result) -> list[tuple[str, str, float, float]]:
    """Return where the median latency of an arm that asks crosses that of another: names, added ms, latency there.

    Lines that lie upon each other cross by chance: only what is clearly apart on both sides counts.
    """
    points = _points(result)
    found = []
    for first, second in combinations(arms_of(points), 2):
        xs, mine = line_of(points, first, _P50)
        other_xs, others = line_of(points, second, _P50)
        if xs != other_xs or not (_asks(result, first) or _asks(result, second)):
            continue
        segments = zip(pairwise(xs), pairwise(mine), pairwise(others), strict=True)
        for between, ours, theirs in segments:
            apart = all(abs(a - b) > _CLEARLY * min(a, b) for a, b in zip(ours, theirs, strict=True))
            found += [
                (first, second, x, ours[0] + (ours[1] - ours[0]) * (x - between[0]) / (between[1] - between[0]))
                for x in crossings(between, ours, theirs)
                if apart
            ]
    return found


def _asks(result: Result, arm: str) -> bool:
    known = result.arms.get(arm)
    return known is not None and bool(known.store_commands_per_request or known.server_calls_per_request)


def _draw(result: Result) -> Picture:
    points = _points(result)
    picture, (axes,) = new_picture()
    draw_lines(axes, result, points, _P50)
    for _, _, x, y in find_crossings(result):
        axes.plot([x], [y], marker="o", markersize=12, markerfacecolor="none", color=FAINT)
    axes.set_xscale("symlog", linthresh=0.5)
    axes.set_yscale("log")
    axes.set_xlabel("added round trip to the store, ms (a ring marks a crossing)")
    axes.set_ylabel("median latency, ms")
    return picture


def _sentence(result: Result) -> str:
    points = _points(result)
    farthest = max(point.x for point in points)
    at_end = {arm: line_of(points, arm, _P50)[1][-1] for arm in arms_of(points) if line_of(points, arm, _P50)[1]}
    waiting = [arm for arm, latency in at_end.items() if latency > farthest / 2]
    told = f"With {farthest:g} ms to the store, {listed(waiting)} wait for it; the others answer as if it were near"
    apart = find_crossings(result)
    if not apart:
        return f"{told}. No two curves cross clearly between the measured points."
    return f"{told}. Curves cross at {listed(f'{x:.2g} ms ({a} and {b})' for a, b, x, _ in apart)}."


FIGURE = Figure(
    name="round-trip",
    title="As the store moves away",
    has=lambda result: bool(_points(result)),
    draw=_draw,
    sentence=_sentence,
    table=lambda result: table_of(_points(result), "added ms", _COLUMNS),
)
