"""Turn what can go wrong on the way to a server into one line and an exit code."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.markup import escape

from lab.clients import Refused
from lab.output import console
from lab.places import NotRunning
from lab.wire import NoAnswer

NOT_RUNNING = 3


@contextmanager
def one_line_failures(command: str) -> Iterator[None]:
    """Print a failure as one line and exit: with 1 when a server refuses or is silent, with 3 when no lab runs here."""
    try:
        yield
    except (Refused, NoAnswer) as error:
        console(to_stderr=True).print(f"[bold red]authlab {command}:[/] {escape(str(error))}")
        sys.exit(1)
    except NotRunning as error:
        console(to_stderr=True).print(f"authlab {command}: {error}")
        sys.exit(NOT_RUNNING)
