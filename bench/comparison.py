"""Compare two results: is what a request costs better, the same or worse? Only where everything else was the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from statistics import median
from typing import Literal

from bench.intervals import Interval
from bench.result import ArmResult, Result

Verdict = Literal["better", "same", "worse"]
_RESAMPLES = 4000
_TAIL = 0.025
_MAY_DIFFER = frozenset({"commit", "dirty"})
"""What two results are usually compared for."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One arm in both results: the ratio of its costs, each as a multiple of the control of its own run."""

    arm: str
    ratio: Interval
    verdict: Verdict


def differing_facts(first: Result, second: Result) -> dict[str, tuple[str, str]]:
    """Return the facts in which two results differ although they should not."""

    def facts(result: Result) -> dict[str, str]:
        settings = {name: f"{value:g}" for name, value in result.settings.items()}
        machine = {name: value for name, value in result.machine.items() if name not in _MAY_DIFFER}
        return {**machine, **settings, "quick": str(result.quick), "attached": str(result.attached)}

    mine, theirs = facts(first), facts(second)
    names = [*mine, *(name for name in theirs if name not in mine)]
    pairs = {name: (mine.get(name, "absent"), theirs.get(name, "absent")) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def compare(before: Result, after: Result, seed: int = 7) -> list[Compared]:
    """Return every arm that both results have, but the controls: they are what the others are measured by."""
    floor = _floor(before, after)
    found = []
    for name in before.arms:
        if name in after.arms and not name.startswith("control"):
            ratio = _ratio(_relative(before.arms, name), _relative(after.arms, name), seed)
            found.append(Compared(name, ratio, _judge(ratio, floor)))
    return found


def overall(compared: Sequence[Compared]) -> Verdict:
    """Return the verdict on the whole: one arm that is worse makes it worse."""
    verdicts = {one.verdict for one in compared}
    return "worse" if "worse" in verdicts else "better" if "better" in verdicts else "same"


def _floor(*results: Result) -> float:
    """Return the largest ratio that the control has to itself within its interval, in either run."""
    return max(max(1 / max(result.noise.low, 1e-9), result.noise.high, 1.0) for result in results)


def _relative(arms: Mapping[str, ArmResult], name: str) -> list[float]:
    control = arms["control"].samples.server_cpu_us
    return [mine / floor for mine, floor in zip(arms[name].samples.server_cpu_us, control, strict=False)]


def _ratio(before: Sequence[float], after: Sequence[float], seed: int) -> Interval:
    source = Random(seed)
    drawn = sorted(
        median(source.choices(after, k=len(after))) / median(source.choices(before, k=len(before)))
        for _ in range(_RESAMPLES)
    )
    low, high = drawn[int(_RESAMPLES * _TAIL)], drawn[int(_RESAMPLES * (1 - _TAIL)) - 1]
    return Interval(median(after) / median(before), low, high)


def _judge(ratio: Interval, floor: float) -> Verdict:
    if ratio.low > 1 and ratio.median > floor:
        return "worse"
    if ratio.high < 1 and ratio.median < 1 / floor:
        return "better"
    return "same"
