"""More servers behind one store, and more workers in one server."""

from matplotlib.figure import Figure as Picture

from bench.figures.figure import Figure
from bench.figures.lines import answered, arms_of, cpu, draw_lines, line_of, table_of
from bench.figures.style import new_picture
from bench.result import Result, SweepPoint

_SWEEPS = ("servers", "workers")


def _points(result: Result, name: str) -> tuple[SweepPoint, ...]:
    sweep = result.sweeps.get(name)
    return sweep.points if sweep else ()


def _store_cpu(point: SweepPoint) -> float | None:
    return point.store_cpu_us


def _draw(result: Result) -> Picture:
    picture, found = new_picture(height=5.6, rows=len(_SWEEPS))
    for name, axes in zip(_SWEEPS, found, strict=True):
        draw_lines(axes, result, _points(result, name), answered)
        axes.set_ylabel("answers per second")
        axes.set_ylim(bottom=0)
        axes.set_xlabel(result.sweeps[name].what if name in result.sweeps else name)
    return picture


def _sentence(result: Result) -> str:
    points = _points(result, "workers")
    gains = []
    for arm in arms_of(points):
        xs, rates = line_of(points, arm, answered)
        if len(xs) > 1:
            gains.append(f"{arm} {rates[-1] / rates[0]:.2f} times")
    return (
        f"On {result.machine['cores']} cores, which generator and store use too, a second worker answers "
        f"{', '.join(gains)} as much as one."
    )


FIGURE = Figure(
    name="scaling",
    title="More processes",
    has=lambda result: all(_points(result, name) for name in _SWEEPS),
    draw=_draw,
    sentence=_sentence,
    table=lambda result: table_of(
        [*_points(result, "servers"), *_points(result, "workers")],
        "servers, then workers",
        {"answers/s": answered, "CPU µs": cpu, "store CPU µs": _store_cpu},
    ),
)
