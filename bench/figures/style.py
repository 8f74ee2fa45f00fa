"""How figures look: one colour and one marker per strategy, safe for the colour-blind, legible in both themes."""

import io
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Picture

# Used nowhere else, so that the report can exchange them for its theme's colours.
INK = "#1b1f25"
FAINT = "#767f8a"
GRID = "#d8dde3"
PAPER = "#fefefd"

# Okabe and Ito's colours, their yellow darkened: it would vanish on white.
COLOURS = {
    "plain-jwt": "#0072b2",
    "denylisted-jwt": "#d55e00",
    "pushed-jwt": "#009e73",
    "introspected-token": "#cc79a7",
    "memory-session": "#56b4e9",
    "redis-session": "#e69f00",
    "tracked-session": "#8c7a00",
}
MARKERS = {
    "plain-jwt": "o",
    "denylisted-jwt": "s",
    "pushed-jwt": "D",
    "introspected-token": "X",
    "memory-session": "v",
    "redis-session": "P",
    "tracked-session": "^",
}
_STYLE: dict[Any, Any] = {
    "font.size": 9,
    "font.family": "sans-serif",
    "axes.edgecolor": FAINT,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": PAPER,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "text.color": INK,
    "xtick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.color": FAINT,
    "ytick.labelcolor": INK,
    "svg.fonttype": "none",
    "svg.hashsalt": "authlab",
}


def colour_of(arm: str, strategy: str | None) -> str:
    """Return the colour of an arm: that of its strategy; the control and its like are drawn in ink."""
    return COLOURS.get(strategy or arm, INK)


def marker_of(arm: str, strategy: str | None) -> str:
    """Return the marker of an arm: that of its strategy."""
    return MARKERS.get(strategy or arm, ".")


def new_picture(width: float = 7.2, height: float = 4.2, rows: int = 1) -> tuple[Picture, list[Axes]]:
    """Begin a picture with axes below each other, in inches."""
    picture = Picture(figsize=(width, height), layout="constrained")
    return picture, [picture.add_subplot(rows, 1, row + 1) for row in range(rows)]


def to_svg(draw: Callable[[], Picture]) -> str:
    """Return a picture as SVG, the same bytes for the same result."""
    target = io.StringIO()
    with mpl.rc_context(_STYLE):
        canvas = FigureCanvasSVG(draw())
        canvas.print_svg(target, metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call] # as below
    return target.getvalue()


def to_png(draw: Callable[[], Picture]) -> bytes:
    """Return a picture as PNG."""
    target = io.BytesIO()
    with mpl.rc_context({**_STYLE, "figure.dpi": 160}):
        canvas = FigureCanvasAgg(draw())
        canvas.print_png(target)  # type: ignore[no-untyped-call] # matplotlib types this file only in part
    return target.getvalue()
