"""What it costs when a token says more."""

from matplotlib.figure import Figure as Picture

from bench.figures.figure import Figure
from bench.figures.lines import arms_of, cpu, draw_lines, line_of, table_of
from bench.figures.style import new_picture
from bench.result import Result, SweepPoint


def _points(result: Result) -> tuple[SweepPoint, ...]:
    sweep = result.sweeps.get("claims")
    return sweep.points if sweep else ()


def _bytes_up(point: SweepPoint) -> float | None:
    return point.bytes_up


def _draw(result: Result) -> Picture:
    picture, (cost, size) = new_picture(height=5.6, rows=2)
    draw_lines(cost, result, _points(result), cpu)
    cost.set_ylabel("server CPU, µs")
    draw_lines(size, result, _points(result), _bytes_up)
    size.set_ylabel("bytes up per request")
    size.set_xlabel("bytes added to the claims (and to every answer)")
    return picture


def _sentence(result: Result) -> str:
    points = _points(result)
    grown = {arm: (line_of(points, arm, cpu)[1], line_of(points, arm, _bytes_up)[1]) for arm in arms_of(points)}
    added = max(point.x for point in points)
    parts = [f"{arm} {up[-1] - up[0]:+.0f} bytes up and {us[-1] - us[0]:+.1f} µs" for arm, (us, up) in grown.items()]
    return f"With {added:.0f} bytes more to say about a caller, each request costs: {'; '.join(parts)}."


FIGURE = Figure(
    name="claims",
    title="What it costs to say more",
    has=lambda result: bool(_points(result)),
    draw=_draw,
    sentence=_sentence,
    table=lambda result: table_of(_points(result), "added bytes", {"CPU µs": cpu, "bytes up": _bytes_up}),
)
