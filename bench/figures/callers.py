"""What happens to a token cache when not all callers fit into it."""

from matplotlib.figure import Figure as Picture

from bench.figures.figure import Figure
from bench.figures.lines import cpu, draw_lines, table_of
from bench.figures.style import new_picture
from bench.result import Result, SweepPoint


def _points(result: Result) -> tuple[SweepPoint, ...]:
    sweep = result.sweeps.get("callers")
    return sweep.points if sweep else ()


def _hit_ratio(point: SweepPoint) -> float | None:
    return point.hit_ratio


def _draw(result: Result) -> Picture:
    picture, (cost, hits) = new_picture(height=5.2, rows=2)
    draw_lines(cost, result, _points(result), cpu)
    cost.set_ylabel("server CPU, µs")
    draw_lines(hits, result, _points(result), _hit_ratio)
    hits.set_ylabel("cache hit ratio")
    hits.set_ylim(0, 1.05)
    hits.set_xlabel(result.sweeps["callers"].what)
    for axes in (cost, hits):
        axes.set_xscale("log")
    return picture


def _sentence(result: Result) -> str:
    points = sorted(_points(result), key=lambda point: point.x)
    first, last = points[0], points[-1]
    return (
        f"From {first.x:.0f} to {last.x:.0f} callers the hit ratio falls from {first.hit_ratio or 0:.0%} to "
        f"{last.hit_ratio or 0:.0%} and the CPU per request goes from {cpu(first) or 0:.1f} to {cpu(last) or 0:.1f} µs."
    )


FIGURE = Figure(
    name="callers",
    title="More callers than the cache holds",
    has=lambda result: bool(_points(result)),
    draw=_draw,
    sentence=_sentence,
    table=lambda result: table_of(_points(result), "callers", {"CPU µs": cpu, "hit ratio": _hit_ratio}, digits=3),
)
