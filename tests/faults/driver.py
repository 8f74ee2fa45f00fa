"""Start the load as a process of its own, and have its records when it has stopped."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from lab.processes import inherited_environment
from tests.faults.load.plan import Line, Record, read_record, write_plan

_FINISH_S = 40.0
_ROOT = Path(__file__).resolve().parents[2]


class Load:
    """A running load; use it as a context manager to be sure that it ends."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.load"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
            env=inherited_environment(),
            start_new_session=True,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(write_plan(lines) + "\n")
        self._process.stdin.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()

    def stop(self) -> list[Record]:
        """Send no more, wait for what is under way, and return what became of every request."""
        out, _ = self._process.communicate(timeout=_FINISH_S)
        assert self._process.returncode == 0, "the load process failed; its own words are on standard error"
        return [read_record(text) for text in out.splitlines()]
