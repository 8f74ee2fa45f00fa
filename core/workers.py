"""Several processes behind one listening socket, which they inherit: no request is lost when one of them goes.

(With `SO_REUSEPORT` each would have a queue of its own, and the connections in it would be lost with its process.)
"""

import contextlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from core.logs import audit

_RESTART_PAUSE_S = 0.5
_STOP_S = 20.0
WRONG_SETTINGS = 2


@dataclass(frozen=True, slots=True)
class Worker:
    """What a worker inherits: the socket, a pipe that ends with the supervisor, and where the workers meet."""

    number: int
    socket_fd: int
    parent_fd: int
    directory: Path

    @classmethod
    def from_text(cls, text: str) -> "Worker":
        """Read what `to_text` wrote."""
        number, socket_fd, parent_fd, directory = text.split(":", 3)
        return cls(int(number), int(socket_fd), int(parent_fd), Path(directory))

    def to_text(self) -> str:
        """Write for the command line."""
        return f"{self.number}:{self.socket_fd}:{self.parent_fd}:{self.directory}"

    def listening(self) -> socket.socket:
        """Return the inherited socket."""
        listening = socket.socket(fileno=self.socket_fd)
        listening.setblocking(False)  # noqa: FBT003 - the standard library takes it so
        return listening


class _Supervisor:
    def __init__(self, program: str, listening: socket.socket, directory: Path) -> None:
        self._program = program
        self._listening = listening
        self._directory = directory
        self._alive_fd, self._keep_fd = os.pipe()
        self._workers: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, number: int) -> None:
        """Start one worker."""
        worker = Worker(number, self._listening.fileno(), self._alive_fd, self._directory)
        self._workers[number] = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", self._program, "--worker", worker.to_text()],
            pass_fds=(worker.socket_fd, worker.parent_fd),
        )

    def tend(self) -> int | None:
        """Replace workers that died; return the exit code when one found the settings wrong, as all would."""
        for number, process in list(self._workers.items()):
            code = process.poll()
            if code == WRONG_SETTINGS:
                return code
            if code is not None:
                audit.error("worker.died", worker=number, exit_code=code)
                time.sleep(_RESTART_PAUSE_S)
                self.start(number)
        return None

    def stop(self) -> int:
        """Tell all workers to drain; return 0 if every one of them did."""
        for process in self._workers.values():
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + _STOP_S
        codes = []
        for process in self._workers.values():
            try:
                codes.append(process.wait(max(0.1, deadline - time.monotonic())))
            except subprocess.TimeoutExpired:
                process.kill()
                codes.append(process.wait())
        os.close(self._keep_fd)
        return 0 if {0, -signal.SIGTERM}.issuperset(codes) else 1


def supervise(program: str, workers: int, listening: socket.socket) -> int:
    """Run workers until told to stop; start a new one for each that dies. Return the exit code."""
    listening.set_inheritable(True)
    told, tell = socket.socketpair()
    tell.setblocking(False)  # noqa: FBT003 - the standard library takes it so
    signal.set_wakeup_fd(tell.fileno())
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: None)
    with tempfile.TemporaryDirectory(prefix="authlab-") as directory, selectors.DefaultSelector() as selector:
        supervisor = _Supervisor(program, listening, Path(directory))
        for number in range(workers):
            supervisor.start(number)
        audit.info("workers.started", workers=workers)
        selector.register(told, selectors.EVENT_READ)
        code = None
        while code is None and not selector.select(timeout=0.5):
            code = supervisor.tend()
        stopped = supervisor.stop()
        return stopped if code is None else code
