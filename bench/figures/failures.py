"""What callers saw, second by second, while something was broken. One figure per fault."""

from collections.abc import Mapping
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture
from matplotlib.patches import Patch

from bench.figures.figure import Figure, Table
from bench.figures.style import FAINT, GRID, INK, new_picture
from bench.figures.words import listed
from bench.result import Failure, Result, Timeline

# What a caller can see, in the order in which bars are stacked: colours of Okabe and Ito, and a hatch each.
_KINDS = {
    "200": ("#0072b2", ""),
    "401": ("#e69f00", "...."),
    "503": ("#d55e00", "////"),
    "other": (FAINT, "xxxx"),
    "no answer": (INK, ""),
}
_FAULTS = ("redis killed", "redis paused", "redis slow", "auth server killed")


def _find(result: Result, fault: str) -> Failure | None:
    return next((failure for failure in result.failures if failure.fault == fault), None)


def kinds_of(outcomes: Mapping[str, int]) -> dict[str, int]:
    """Sort the outcomes of a second into what a caller can tell apart."""
    found = dict.fromkeys(_KINDS, 0)
    for outcome, count in outcomes.items():
        if not outcome.isdigit():
            found["no answer"] += count
        else:
            found[outcome if outcome in _KINDS else "other"] += count
    return found


def _draw(fault: str, result: Result) -> Picture:
    failure = _find(result, fault)
    timelines = failure.timelines if failure else ()
    picture, rows = new_picture(height=0.6 + 0.75 * len(timelines), rows=max(1, len(timelines)))
    for axes, timeline in zip(rows, timelines, strict=True):
        _stack(axes, timeline)
        for moment in (failure.from_s, failure.to_s) if failure else ():
            axes.axvline(moment, color=INK, linestyle=":", linewidth=1.2)
        axes.set_ylim(0, 1)
        axes.set_yticks([])
        axes.set_ylabel(timeline.arm, rotation=0, ha="right", va="center", fontsize=8)
        axes.grid(visible=False)
        if axes is not rows[-1]:
            axes.set_xticklabels([])
    rows[-1].set_xlabel("seconds (dotted: broken, healed)")
    legend = [
        Patch(facecolor=colour, hatch=hatch, edgecolor=GRID, label=kind) for kind, (colour, hatch) in _KINDS.items()
    ]
    rows[0].legend(handles=legend, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(_KINDS), fontsize=8)
    return picture


def _legend() -> list[Patch]:
    return [
        Patch(facecolor=colour, hatch=hatch, edgecolor=GRID, label=kind) for kind, (colour, hatch) in _KINDS.items()
    ]


def _stack(axes: Axes, timeline: Timeline) -> None:
    """Draw one bar per second: the shares of what callers saw, upon each other."""
    for second in timeline.seconds:
        total, below = sum(second.outcomes.values()), 0.0
        for kind, count in kinds_of(second.outcomes).items():
            if not count:
                continue
            colour, hatch = _KINDS[kind]
            axes.bar(
                [second.second], [count / total], width=1.0, align="edge", bottom=below, color=colour, hatch=hatch,
                edgecolor=GRID, linewidth=0.3,
            )  # fmt: skip
            below += count / total


def _sentence(fault: str, result: Result) -> str:
    failure = _find(result, fault)
    if failure is None:
        return ""
    during = range(int(failure.from_s), int(failure.to_s))
    lost: dict[str, float] = {}
    for timeline in failure.timelines:
        counts = [kinds_of(second.outcomes) for second in timeline.seconds if second.second in during]
        total = sum(sum(count.values()) for count in counts)
        lost[timeline.arm] = 1 - sum(count["200"] for count in counts) / max(1, total)
    unharmed = [arm for arm, share in lost.items() if share == 0]
    harmed = [f"{arm} ({share:.0%} of requests)" for arm, share in lost.items() if share > 0]
    slow = [one for one in failure.timelines if one.recovery_s is None or one.recovery_s > 1]
    told = f"{fault.capitalize()}: unharmed {listed(unharmed)}; refused or lost {listed(harmed)}"
    if not slow:
        return f"{told}. All were well within 1 s of its return."
    late = [
        f"{one.arm} after {one.recovery_s:.1f} s" if one.recovery_s else f"{one.arm} not by the end" for one in slow
    ]
    return f"{told}. Later than 1 s after its return: {listed(late)}."


def _table(fault: str, result: Result) -> Table:
    failure = _find(result, fault)
    rows = [
        (
            timeline.arm,
            str(second.second),
            *(str(count) for count in kinds_of(second.outcomes).values()),
            "-" if timeline.recovery_s is None else f"{timeline.recovery_s:.1f}",
        )
        for timeline in (failure.timelines if failure else ())
        for second in timeline.seconds
    ]
    return Table(("strategy", "second", *_KINDS, "recovered after s"), rows)


def _has(fault: str, result: Result) -> bool:
    return _find(result, fault) is not None


FIGURES = tuple(
    Figure(
        name=f"failure-{fault.replace(' ', '-')}",
        title=f"What callers saw: {fault}",
        has=partial(_has, fault),
        draw=partial(_draw, fault),
        sentence=partial(_sentence, fault),
        table=partial(_table, fault),
    )
    for fault in _FAULTS
)
