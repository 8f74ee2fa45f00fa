"""A median with its uncertainty: 95 % bootstrap confidence intervals, the same for the same seed."""

from collections.abc import Callable, Sequence
from random import Random
from statistics import fmean, median, pstdev
from typing import NamedTuple

_RESAMPLES = 2000
_TAIL = 0.025


class Interval(NamedTuple):
    """A value between the ends of its 95 % confidence interval."""

    median: float
    low: float
    high: float

    def excludes(self, value: float) -> bool:
        """Tell whether a value lies outside the interval."""
        return not self.low <= value <= self.high


def interval(samples: Sequence[float], seed: int) -> Interval:
    """Return the median of the samples and where it would lie in other runs like this one."""
    return bootstrap(samples, median, seed)


def bootstrap(
    samples: Sequence[float], statistic: Callable[[Sequence[float]], float], seed: int, resamples: int = _RESAMPLES
) -> Interval:
    """Return a statistic of the samples with its percentile bootstrap interval."""
    if not samples:
        raise ValueError("no samples")
    source = Random(seed)
    drawn = sorted(statistic(source.choices(samples, k=len(samples))) for _ in range(resamples))
    return Interval(statistic(samples), drawn[int(resamples * _TAIL)], drawn[int(resamples * (1 - _TAIL)) - 1])


def paired_difference(first: Sequence[float], second: Sequence[float], seed: int) -> Interval:
    """Return the median of first - second, taken pair by pair: what both slices of a round had in common cancels."""
    return interval([a - b for a, b in zip(first, second, strict=True)], seed)


def paired_ratio(first: Sequence[float], second: Sequence[float], seed: int) -> Interval:
    """Return the median of first / second, taken pair by pair."""
    return interval([a / b for a, b in zip(first, second, strict=True)], seed)


def coefficient_of_variation(samples: Sequence[float]) -> float:
    """Return the spread of the samples as a share of their mean."""
    return pstdev(samples) / fmean(samples)
