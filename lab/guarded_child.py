"""Run a command as a child process that cannot outlive its parent, however the parent dies."""

import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

Output = Path | Callable[[str], None] | None
"""Where a child's lines go: appended to a file, handed to a function (from a thread), or only the last ones kept."""

_LAST_LINES = 40

# PR_SET_PDEATHSIG would need a preexec function, which is unsafe with threads, and Linux.
_GUARD = Path(__file__).with_name("guard.sh")


class GuardedChild:
    """A running command with the pid of the command itself, ended with its whole process group when we end."""

    def __init__(self, command: Sequence[str], *, environment: Mapping[str, str], output: Output = None) -> None:
        self._output = output
        self._last_lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._reader: threading.Thread | None = None
        if isinstance(output, Path):
            with output.open("ab") as log:
                self._process = self._popen(command, environment, log.fileno())
        else:
            self._process = self._popen(command, environment, subprocess.PIPE)
            self._reader = threading.Thread(target=self._read_lines, daemon=True)
            self._reader.start()

    @staticmethod
    def _popen(command: Sequence[str], environment: Mapping[str, str], stdout: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["/bin/sh", str(_GUARD), *command],
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal is for the parent, which then stops its children in order
        )

    @property
    def pid(self) -> int:
        """The process id of the command."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the command has not ended."""
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """What the command ended with, negative for a signal; None while it runs."""
        return self._process.poll()

    def last_line(self) -> str:
        """Return the last line that the command wrote, which for a server that refused to start says why."""
        if isinstance(self._output, Path):
            lines = self._output.read_text(encoding="utf-8", errors="replace").splitlines()
        else:
            if not self.running and self._reader is not None:
                self._reader.join(timeout=1)
            lines = list(self._last_lines)
        return next((line for line in reversed(lines) if line.strip()), "")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the command alone."""
        if self.running:
            os.kill(self.pid, number)

    def stop(self, *, within_s: float) -> None:
        """End the command with SIGTERM, and with SIGKILL when it takes longer than that; return when it is gone."""
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)  # one that is paused would not see the first
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(within_s)
        self.kill()

    def kill(self) -> None:
        """End the whole process group at once; return when it is gone."""
        if self._process.stdin is None or self._process.stdin.closed:
            return
        with suppress(ProcessLookupError, PermissionError):  # macOS answers EPERM when only zombies are left
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        self._process.stdin.close()
        if self._reader is not None:
            self._reader.join(timeout=1)

    def _read_lines(self) -> None:
        stdout = self._process.stdout
        if stdout is None:
            return
        with stdout:
            for raw in stdout:
                line = raw.decode("utf-8", "replace").rstrip("\n")
                self._last_lines.append(line)
                if callable(self._output):
                    self._output(line)
