"""Lines over something that a sweep moves, and the table behind them."""

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes

from bench.figures.figure import Table
from bench.figures.style import colour_of, marker_of
from bench.result import Result, SweepPoint

Value = Callable[[SweepPoint], float | None]


def arms_of(points: Sequence[SweepPoint]) -> list[str]:
    """Return the arms in a sweep, in its order."""
    return [*dict.fromkeys(point.arm for point in points)]


def line_of(points: Sequence[SweepPoint], arm: str, value: Value) -> tuple[list[float], list[float]]:
    """Return the line of one arm; points without the value are left out."""
    pairs = [(point.x, found) for point in points if point.arm == arm and (found := value(point)) is not None]
    return [x for x, _ in pairs], [y for _, y in pairs]


def draw_lines(axes: Axes, result: Result, points: Sequence[SweepPoint], value: Value) -> None:
    """Draw one line per arm, with a legend beside the axes."""
    for arm in arms_of(points):
        strategy = result.arms[arm].strategy if arm in result.arms else None
        style = "--" if arm.endswith("-uncached") else "-"
        xs, ys = line_of(points, arm, value)
        axes.plot(
            xs,
            ys,
            style,
            marker=marker_of(arm, strategy),
            color=colour_of(arm, strategy),
            markersize=5,
            linewidth=1.4,
            label=arm,
        )
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8)


def table_of(points: Sequence[SweepPoint], x: str, columns: dict[str, Value], digits: int = 2) -> Table:
    """Return every point of a sweep as a row."""

    def cell(value: float | None) -> str:
        return "-" if value is None else f"{value:.{digits}f}"

    rows = [
        (point.arm, f"{point.x:g}", *(cell(value(point)) for value in columns.values()), _mark(point))
        for point in points
    ]
    return Table(("arm", x, *columns, "marks"), rows)


def percentile(name: str) -> Value:
    """Return a reader of one percentile, which a saturated point does not have."""

    def read(point: SweepPoint) -> float | None:
        latency = point.latency_ms
        return None if latency is None or latency.saturated else float(getattr(latency, name))

    return read


def cpu(point: SweepPoint) -> float | None:
    """Read server CPU per request."""
    return point.server_cpu_us.median if point.server_cpu_us else None


def answered(point: SweepPoint) -> float | None:
    """Read answers per second."""
    return point.answered_rps.median if point.answered_rps else None


def _mark(point: SweepPoint) -> str:
    return "saturated" if point.latency_ms and point.latency_ms.saturated else ""
