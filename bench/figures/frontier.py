"""The picture that matters: what a request costs against how stale its answer may be, for every strategy."""

from dataclasses import dataclass

from matplotlib.figure import Figure as Picture

from bench.figures.figure import Figure, Table
from bench.figures.style import FAINT, colour_of, marker_of, new_picture
from bench.figures.words import duration, listed, micros
from bench.result import ArmResult, Interval, Lag, Result

_MS = 1000


@dataclass(frozen=True, slots=True)
class Point:
    """One strategy: a cost with its interval, and its distribution of lags."""

    arm: str
    cost: Interval
    lag: Lag

    @property
    def height_ms(self) -> float:
        """The median lag, or the shortest that could have been told from none."""
        return max(self.lag.p50, self.lag.resolution_ms)


def points_of(result: Result) -> list[Point]:
    """Return one point per strategy: the arm that bears its name."""
    known = {name: arm for name, arm in result.arms.items() if arm.knows_cpu}
    return [Point(name, arm.margin, lag) for name, arm in known.items() if (lag := _lag(name, arm))]


def _lag(name: str, arm: ArmResult) -> Lag | None:
    return arm.revocation_lag_ms if name == arm.strategy else None


def on_frontier(points: list[Point]) -> list[Point]:
    """Return the points that no other beats in both ways, cheapest first."""
    best: list[Point] = []
    for point in sorted(points, key=lambda one: (one.cost.median, one.height_ms)):
        if not best or point.height_ms < best[-1].height_ms:
            best.append(point)
    return best


def draw_points(points: list[Point], label: str, *, control: bool) -> Picture:
    """Draw points with error bars on both axes, and the frontier through the best of them."""
    picture, (axes,) = new_picture()
    floor_ms = min(point.lag.resolution_ms for point in points) / 2
    for point in points:
        lowest = point.lag.samples_ms[0] if point.lag.samples_ms[0] > point.lag.resolution_ms else floor_ms
        x, y = point.cost.median, point.height_ms
        axes.errorbar(
            [x],
            [y],
            xerr=[[max(0.0, x - point.cost.low)], [max(0.0, point.cost.high - x)]],
            yerr=[[max(0.0, y - lowest)], [max(0.0, point.lag.max - y)]],
            marker=marker_of(point.arm, point.arm),
            color=colour_of(point.arm, point.arm),
            markersize=8,
            capsize=3,
            linestyle="none",
            label=point.arm,
        )
    best = on_frontier(points)
    steps = [(point.cost.median, point.height_ms) for point in best]
    axes.step(*zip(*steps, strict=True), where="post", color=FAINT, linestyle="--", linewidth=1, label="frontier")
    if control:
        axes.axvline(0, color=FAINT, linewidth=1, label="control")
        axes.set_xlim(left=min(-1.0, *(point.cost.low for point in points)))
        if max(point.cost.median for point in points) > 10 * sorted(point.cost.median for point in points)[-2]:
            axes.set_xscale("symlog", linthresh=20)
    axes.set_yscale("log")
    axes.set_ylim(bottom=floor_ms)
    axes.set_xlabel(label)
    axes.set_ylabel("logout until the last 200, ms")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8)
    return picture


def _draw(result: Result) -> Picture:
    return draw_points(points_of(result), "server CPU per request above the control, µs", control=True)


def _sentence(result: Result) -> str:
    points = points_of(result)
    best = on_frontier(points)
    first, last = best[0], best[-1]
    told = f"Nothing measured is both cheaper and sooner to learn of a logout than {listed(p.arm for p in best)}"
    if first is last:
        return f"{told}."
    extra = last.cost.median - first.cost.median
    return (
        f"{told}: {last.arm} spends {micros(extra)} more per request than {first.arm} and brings the median lag from "
        f"{duration(first.lag.p50, first.lag.resolution_ms)} to {duration(last.lag.p50, last.lag.resolution_ms)}."
    )


def table_of(points: list[Point], cost: str) -> Table:
    """Return the numbers behind the points."""
    rows = [
        (
            point.arm,
            f"{point.cost.median:.2f} [{point.cost.low:.2f}, {point.cost.high:.2f}]",
            duration(point.lag.p50, point.lag.resolution_ms),
            duration(point.lag.p99, point.lag.resolution_ms),
            duration(point.lag.max, point.lag.resolution_ms),
            point.lag.bound,
            str(len(point.lag.samples_ms)),
        )
        for point in points
    ]
    return Table(("strategy", cost, "lag p50", "lag p99", "lag max", "promised", "samples"), rows)


FIGURE = Figure(
    name="frontier",
    title="The frontier: cost against staleness",
    has=lambda result: len(points_of(result)) > 1,
    draw=_draw,
    sentence=_sentence,
    table=lambda result: table_of(points_of(result), "margin, CPU µs"),
)
