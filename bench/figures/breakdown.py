"""Where the CPU time of a request goes: the request itself, recognising the caller, and the store."""

from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture

from bench.figures.figure import Figure, Table
from bench.figures.style import FAINT, INK, colour_of, new_picture
from bench.figures.words import micros
from bench.result import Result

_FAR_OUT = 2.5
"""A bar that is this many times as long as the next is cut and labelled, or nothing else could be seen."""


def _arms(result: Result) -> list[str]:
    known = (name for name, arm in result.arms.items() if arm.strategy and arm.knows_cpu)
    return sorted(known, key=lambda name: -_total(result, name))


def _total(result: Result, name: str) -> float:
    arm = result.arms[name]
    return arm.cpu.median + arm.store_cpu_us.median


def _draw(result: Result) -> Picture:
    names = _arms(result)
    picture, (axes,) = new_picture(height=1.2 + 0.26 * len(names))
    control = result.arms["control"].cpu.median
    margins = [result.arms[name].margin for name in names]
    lengths = [max(0.0, margin.median) for margin in margins]
    spread = [[max(0.0, m.median - m.low) for m in margins], [max(0.0, m.high - m.median) for m in margins]]
    colours = [colour_of(name, result.arms[name].strategy) for name in names]
    axes.barh(names, [control] * len(names), color=FAINT, label="the request itself (control)")
    axes.barh(
        names,
        lengths,
        left=control,
        xerr=spread,
        color=colours,
        ecolor=INK,
        capsize=2,
        label="the strategy, in its colour",
    )
    ends = {name: control + length for name, length in zip(names, lengths, strict=True)}
    asking = [name for name in names if result.arms[name].store_commands_per_request]
    axes.barh(
        asking,
        [result.arms[name].store_cpu_us.median for name in asking],
        left=[ends[name] for name in asking],
        color="none",
        edgecolor=INK,
        hatch="////",
        label="the store",
    )
    axes.set_xlabel("CPU per request, µs")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=3, fontsize=8)
    _cut_what_is_far_out(axes, [_total(result, name) for name in names])
    return picture


def _cut_what_is_far_out(axes: Axes, totals: list[float]) -> None:
    ordered = sorted(totals)
    near = next((a for a, b in pairwise(ordered) if b > _FAR_OUT * a), None)
    if near is None:
        return
    axes.set_xlim(0, near * 1.3)
    for row, total in enumerate(totals):
        if total > near:
            axes.text(near * 1.29, row, f"{total:.0f} →", va="center", ha="right", fontsize=8, fontweight="bold")


def _sentence(result: Result) -> str:
    names = _arms(result)
    dearest, cheapest = names[0], names[-1]
    control = result.arms["control"].cpu.median
    share = control / _total(result, cheapest)
    return (
        f"Of the {micros(_total(result, cheapest))} that {cheapest} takes in all, {share:.0%} are the request itself; "
        f"{dearest} takes {_total(result, dearest) / _total(result, cheapest):.1f} times as much."
    )


def _table(result: Result) -> Table:
    rows = []
    for name in reversed(_arms(result)):
        arm = result.arms[name]
        margin = f"{arm.margin.median:.2f} [{arm.margin.low:.2f}, {arm.margin.high:.2f}]"
        marks = [word for word, on in (("no difference", arm.no_difference), ("noisy", arm.noisy)) if on]
        rows.append((name, margin, f"{arm.store_cpu_us.median:.2f}", f"{_total(result, name):.1f}", ", ".join(marks)))
    return Table(("arm", "above control, µs", "store, µs", "in all, µs", "marks"), rows)


FIGURE = Figure(
    name="breakdown",
    title="Where the CPU time goes",
    has=lambda result: bool(_arms(result)),
    draw=_draw,
    sentence=_sentence,
    table=_table,
)
