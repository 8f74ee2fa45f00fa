"""Keep a system running until told to stop: in the terminal, or detached as `python -m lab.supervisor`."""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

from lab.processes import NoRedis, ProcessFailed
from lab.state import LabDirectory, LabState
from lab.system import AlreadyRunning, CannotStart, System
from lab.topology import Choices

_LOOK_EVERY_S = 0.3
START_FAILURES = (CannotStart, NoRedis, ProcessFailed)
"""Everything that keeps a system from starting; each message is one line."""


def supervise(system: System, *, ready: Callable[[LabState], None], say: Callable[[str], None]) -> None:
    """Start everything, then stay until SIGINT, SIGTERM or SIGHUP, then stop everything.

    `ready` is called once with what runs, `say` with a line about each process that ends by itself.
    Raises one of `START_FAILURES`, with nothing left running. A second signal leaves at once; the watchers do the rest.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        with system:
            ready(system.start())
            while True:
                time.sleep(_LOOK_EVERY_S)
                for line in system.ended():
                    say(line)
    except KeyboardInterrupt:
        return


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def main() -> int:
    """Run detached: report on standard output, in one line of JSON, how the start went; then stay."""
    parser = argparse.ArgumentParser(
        prog="python -m lab.supervisor", description="what `authlab up --detach` leaves running"
    )
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--choices", required=True, help="as JSON")
    options = parser.parse_args()
    directory = LabDirectory(options.directory)
    system = System(directory, Choices(**json.loads(options.choices)), lambda name: directory.logs / f"{name}.log")
    try:
        supervise(system, ready=lambda state: _report({"state": asdict(state)}), say=_log)
    except START_FAILURES as error:
        _report({"error": str(error), "running": isinstance(error, AlreadyRunning)})
        return 1
    return 0


def _report(line: dict[str, object]) -> None:
    """Tell the waiting command, then let go of its pipe."""
    print(json.dumps(line), flush=True)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
