"""A whole lab of its own for tests, beside whatever else runs on this machine."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from click.testing import CliRunner

from lab.cli import main
from lab.ports import taken_ports
from lab.topology import Choices, Secrets, Stores, servers

REPOSITORY = Path(__file__).resolve().parents[2]
_NOT_PASSED_ON = ("AUTH_", "SESSION_", "RESOURCE_", "AUTHLAB_", "LOG_")


@dataclass(frozen=True)
class Outcome:
    """How a command ended and what it printed."""

    returncode: int
    stdout: str
    stderr: str


class Lab:
    """One directory and one port offset; `run` is the command `authlab` in it."""

    def __init__(self, directory: Path, *, offset: int | None = None) -> None:
        self.directory = directory
        self.offset = free_offset() if offset is None else offset

    def environment(self, **more: str) -> dict[str, str]:
        """Return what the command sees."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_PASSED_ON)}
        own = {
            "AUTHLAB_DIR": str(self.directory),
            "AUTHLAB_PORT_OFFSET": str(self.offset),
            "PYTHONPATH": str(REPOSITORY),
            "NO_COLOR": "1",
        }
        return clean | own | more

    def command(self, *arguments: str) -> list[str]:
        """Return the command line."""
        return [sys.executable, "-m", "lab.cli", *arguments]

    def run(self, *arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return subprocess.run(
            self.command(*arguments),
            env=self.environment(**environment),
            cwd=self.directory.parent,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )

    def ask(self, *arguments: str, **environment: str) -> Outcome:
        """Run it in this process, which is quicker; for all but `up` and `down`."""
        gone = dict.fromkeys(name for name in os.environ if name.startswith(_NOT_PASSED_ON))
        result = CliRunner(env=gone | self.environment(**environment)).invoke(main, list(arguments))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Outcome(result.exit_code, result.stdout, result.stderr)

    def popen(self, *arguments: str) -> subprocess.Popen[str]:
        """Run it beside the test."""
        return subprocess.Popen(
            self.command(*arguments),
            env=self.environment(),
            cwd=self.directory.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def port(self, base: int) -> int:
        """Return where the server is that listens on `base` in the demo."""
        return base + self.offset

    def url(self, base: int) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port(base)}"

    def processes(self) -> list[psutil.Process]:
        """Return every living process that was told of this directory: supervisor, servers and Redis."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        with suppress(psutil.Error):
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            told = [*process.cmdline(), *process.environ().values()]
            return process.pid != os.getpid() and any(str(self.directory) in text for text in told)
        return False


def free_offset() -> int:
    """Return an offset at which nobody listens on any port of the lab."""
    for offset in random.sample(range(3000, 20000, 100), 50):
        planned = servers(Choices(everything=True, port_offset=offset), Stores("", ""), Secrets(Path()))
        if not taken_ports({plan.port: plan.name for plan in planned}):
            return offset
    raise AssertionError("all ports are taken")


def eventually(condition: Callable[[], bool], *, within_s: float = 15.0) -> bool:
    """Ask until it is true, or too late."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
