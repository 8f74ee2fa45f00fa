"""`authlab down`: stop everything that `authlab up` started."""

import os
import signal
import sys
import time
from contextlib import suppress

import click

from lab.output import console, print_json
from lab.state import LabDirectory

_STOPPED_WITHIN_S = 30.0


@click.command(short_help="Stop everything that `authlab up` started.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def command(*, as_json: bool) -> None:
    """Stop every server, then Redis, and return when all are gone. Requests under way are answered first.

    \b
    Exit codes:
      0  nothing runs any more (also when nothing ran)
      1  something did not stop
    """
    directory = LabDirectory()
    ran = directory.is_locked()
    stopped = not ran or _stop(directory)
    if as_json:
        print_json({"was_running": ran, "stopped": stopped})
    else:
        out = console()
        out.print(
            "Everything is stopped." if ran and stopped else "It is not running." if not ran else "It did not stop."
        )
    sys.exit(0 if stopped else 1)


def _stop(directory: LabDirectory) -> bool:
    deadline = time.monotonic() + _STOPPED_WITHIN_S
    told = False
    while directory.is_locked():
        state = directory.recorded()
        if state is not None and not told:  # one that is just starting has written no state yet
            with suppress(ProcessLookupError):
                os.kill(state.supervisor_pid, signal.SIGTERM)
            told = True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
