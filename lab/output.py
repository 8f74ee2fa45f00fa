"""What the command prints: for people in colour where the terminal has it, for programs as JSON."""

import json
import sys
from typing import Any

from rich.console import Console


def console(*, to_stderr: bool = False) -> Console:
    """Return where text for people goes: long lines stay whole, so that tokens can be copied; NO_COLOR is honoured."""
    return Console(stderr=to_stderr, soft_wrap=True, highlight=False)


def print_json(value: Any) -> None:
    """Print one JSON value for programs."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
