"""What the command prints: for people in colour where the terminal has it, for programs as JSON."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text


def console(*, to_stderr: bool = False) -> Console:
    """Return where text for people goes: long lines stay whole, so that tokens can be copied; NO_COLOR is honoured."""
    return Console(stderr=to_stderr, soft_wrap=True, highlight=False)


def print_table(out: Console, titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print columns as wide as they need to be; nothing is cut, however narrow the terminal."""
    lines = [
        [Text(title, style="bold") for title in titles],
        *([Text.from_markup(cell) for cell in row] for row in rows),
    ]
    widths = [max(cell.cell_len for cell in column) for column in zip(*lines, strict=True)]
    for line in lines:
        for cell, width in zip(line[:-1], widths, strict=False):
            cell.pad_right(width + 2 - cell.cell_len)
        out.print(Text.assemble(*line))


def print_json(value: Any) -> None:
    """Print one JSON value for programs."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
