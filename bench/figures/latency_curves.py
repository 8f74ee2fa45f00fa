"""Latency as callers come faster and faster."""

from matplotlib.figure import Figure as Picture

from bench.figures.figure import Figure
from bench.figures.lines import arms_of, draw_lines, line_of, percentile, table_of
from bench.figures.style import new_picture
from bench.figures.words import listed
from bench.result import Result, SweepPoint

_COLUMNS = {f"{name} ms": percentile(name) for name in ("p50", "p90", "p99", "p999")}


def _points(result: Result) -> tuple[SweepPoint, ...]:
    return result.curves.points if result.curves else ()


def _draw(result: Result) -> Picture:
    picture, (axes,) = new_picture()
    draw_lines(axes, result, _points(result), percentile("p99"))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("requests per second that were sent (open loop)")
    axes.set_ylabel("p99 from the intended start, ms")
    return picture


def _sentence(result: Result) -> str:
    points = _points(result)
    last = {arm: max(line_of(points, arm, percentile("p99"))[0], default=0.0) for arm in arms_of(points)}
    highest = max(last.values())
    held = [arm for arm, rate in last.items() if rate == highest]
    early = [f"{arm} ({rate:.0f}/s)" for arm, rate in last.items() if rate < highest]
    told = f"Up to {highest:.0f} requests/s, the most that was sent, {listed(held)} kept up"
    return f"{told}; the last rates at which the others did: {listed(early)}." if early else f"{told}."


FIGURE = Figure(
    name="latency",
    title="Latency as the rate grows",
    has=lambda result: bool(_points(result)),
    draw=_draw,
    sentence=_sentence,
    table=lambda result: table_of(_points(result), "requests/s", _COLUMNS),
)
