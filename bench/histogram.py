"""A high dynamic range histogram: every value is kept to three significant digits, however wide the range.

The layout is the one Gil Tene published with HdrHistogram, so that its percentiles are comparable with anyone's:
values are microseconds, from 1 µs to one minute.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Self

HIGHEST_US = 60_000_000
_SUB_BUCKET_BITS = 11  # 2048 steps per power of two: the fewest that keep three digits
_SUB_BUCKETS = 1 << _SUB_BUCKET_BITS


class Histogram:
    """Count values in steps of at most one thousandth of their size."""

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        self.counts: Counter[int] = Counter(counts or {})

    @classmethod
    def of_ns(cls, values_ns: Iterable[int]) -> Self:
        """Build a histogram of durations given in nanoseconds."""
        histogram = cls()
        histogram.counts.update(_lowest_of_step(max(1, min(value // 1000, HIGHEST_US))) for value in values_ns)
        return histogram

    def record(self, value_us: int) -> None:
        """Count one value; values outside the range count at its nearer end."""
        self.counts[_lowest_of_step(max(1, min(value_us, HIGHEST_US)))] += 1

    def add(self, other: "Histogram") -> None:
        """Take in everything that another histogram counted."""
        self.counts.update(other.counts)

    @property
    def total(self) -> int:
        """How many values were counted."""
        return self.counts.total()

    def percentile_us(self, percentile: float) -> int:
        """Return the highest value of the step that holds the given percentile; 0 when nothing was counted."""
        wanted = max(1, int(percentile / 100 * self.total + 0.5))
        seen = 0
        for lowest in sorted(self.counts):
            seen += self.counts[lowest]
            if seen >= wanted:
                return lowest + _step(lowest) - 1
        return 0

    def max_us(self) -> int:
        """Return the highest value of the highest step counted; 0 when nothing was."""
        return max((lowest + _step(lowest) - 1 for lowest in self.counts), default=0)

    def to_pairs(self) -> list[tuple[int, int]]:
        """Return (lowest value of a step, count), ascending: the form in a result file."""
        return sorted(self.counts.items())


def _step(value_us: int) -> int:
    return int(1 << max(0, value_us.bit_length() - _SUB_BUCKET_BITS))


def _lowest_of_step(value_us: int) -> int:
    step = _step(value_us)
    return value_us // step * step
