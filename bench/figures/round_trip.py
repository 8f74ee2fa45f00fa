"""Where the curves cross as the store moves away."""

from itertools import combinations

from matplotlib.figure import Figure as Picture

from bench.figures.figure import Figure
from bench.figures.lines import answered, arms_of, cpu, draw_lines, line_of, percentile, table_of
from bench.figures.style import FAINT, new_picture
from bench.figures.words import crossings, listed
from bench.result import Result, SweepPoint

_P50 = percentile("p50")
_COLUMNS = {
    "p50 ms": _P50,
    "p99 ms": percentile("p99"),
    "CPU µs": cpu,
    "answers/s": answered,
}


def _points(result: Result) -> tuple[SweepPoint, ...]:
    sweep = result.sweeps.get("store-round-trip")
    return sweep.points if sweep else ()


def find_crossings(points: tuple[SweepPoint, ...]) -> list[tuple[str, str, float, float]]:
    """Return where the median latencies of two arms cross: both names, the added round trip, the latency there."""
    found = []
    for first, second in combinations(arms_of(points), 2):
        xs, mine = line_of(points, first, _P50)
        other_xs, others = line_of(points, second, _P50)
        if xs != other_xs:
            continue
        for x in crossings(xs, mine, others):
            before = max(number for number, at in enumerate(xs[:-1]) if at <= x)
            share = (x - xs[before]) / (xs[before + 1] - xs[before])
            found.append((first, second, x, mine[before] + share * (mine[before + 1] - mine[before])))
    return found


def _draw(result: Result) -> Picture:
    points = _points(result)
    picture, (axes,) = new_picture()
    draw_lines(axes, result, points, _P50)
    for _, _, x, y in find_crossings(points):
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
    unmoved = [arm for arm, latency in at_end.items() if latency < farthest / 2]
    told = f"With {farthest:g} ms to the store, {listed(unmoved)} answer as if it were near; the others wait for it"
    apart = find_crossings(points)
    if not apart:
        return f"{told}. No two curves cross between the measured points."
    return f"{told}. Curves cross at {listed(f'{x:.2g} ms ({a} and {b})' for a, b, x, _ in apart)}."


FIGURE = Figure(
    name="round-trip",
    title="As the store moves away",
    has=lambda result: bool(_points(result)),
    draw=_draw,
    sentence=_sentence,
    table=lambda result: table_of(_points(result), "added ms", _COLUMNS),
)
