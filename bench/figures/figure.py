"""What a figure of the report is: a picture, one sentence that says what it shows, and the table behind it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure as Picture

from bench.figures.style import to_png, to_svg
from bench.result import Result


@dataclass(frozen=True, slots=True)
class Table:
    """The numbers behind a figure, as text."""

    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure; everything about it is computed from a result. `has` tells whether a result holds what it needs."""

    name: str
    title: str
    has: Callable[[Result], bool]
    draw: Callable[[Result], Picture]
    sentence: Callable[[Result], str]
    table: Callable[[Result], Table]

    def svg(self, result: Result) -> str:
        """Return the picture as SVG."""
        return to_svg(lambda: self.draw(result))

    def png(self, result: Result) -> bytes:
        """Return the picture as PNG."""
        return to_png(lambda: self.draw(result))
