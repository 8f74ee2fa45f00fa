"""Several processes behind one listening socket, which they inherit: no request is lost when one of them goes.

(With `SO_REUSEPORT` each would have a queue of its own, and the connections in it would be lost with its process.)

SIGHUP replaces the workers one by one, by new ones that run what is on the disk now: each old one drains only when its
successor is ready. A worker that dies, or gives no sign of life, is replaced.
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
from collections import deque
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from core.logs import audit

PULSE_EVERY_S = 1.0
READY, NOT_READY = b"r", b"-"
"""The two signs of life that a worker gives."""
WRONG_SETTINGS = 2
_TICK_S = 0.25
_RESTART_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 10.0
_START_S = 30.0
_SILENT_S = 10.0
_STOP_S = 20.0


@dataclass(frozen=True, slots=True)
class Worker:
    """What a worker inherits: the socket, a pipe that ends with the supervisor, one to it, and where workers meet."""

    number: int
    socket_fd: int
    parent_fd: int
    pulse_fd: int
    directory: Path

    @classmethod
    def from_text(cls, text: str) -> "Worker":
        """Read what `to_text` wrote."""
        number, socket_fd, parent_fd, pulse_fd, directory = text.split(":", 4)
        return cls(int(number), int(socket_fd), int(parent_fd), int(pulse_fd), Path(directory))

    def to_text(self) -> str:
        """Write for the command line."""
        return f"{self.number}:{self.socket_fd}:{self.parent_fd}:{self.pulse_fd}:{self.directory}"

    def listening(self) -> socket.socket:
        """Return the inherited socket."""
        listening = socket.socket(fileno=self.socket_fd)
        listening.setblocking(False)  # noqa: FBT003 - the standard library takes it so
        return listening

    def give_pulse(self, *, is_ready: bool) -> None:
        """Tell the supervisor that the event loop turns. A full pipe is a supervisor that has enough to read."""
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(self.pulse_fd, READY if is_ready else NOT_READY)


class _Running:
    """One worker as the supervisor sees it."""

    def __init__(self, number: int, process: subprocess.Popen[bytes], pulse_fd: int) -> None:
        self.number = number
        self.process = process
        self.has_served = False
        self.is_ready = False
        self.leaving_since_s: float | None = None
        self.heard_s = time.monotonic()
        self._pulse_fd = pulse_fd

    def listen(self) -> None:
        """Take in the signs of life since the last time."""
        with contextlib.suppress(BlockingIOError):
            while signs := os.read(self._pulse_fd, 4096):
                self.heard_s = time.monotonic()
                self.has_served = True
                self.is_ready = signs.endswith(READY)

    def is_overdue(self, now_s: float) -> bool:
        """Tell whether it has been without a sign of life, or about to leave, for too long."""
        if self.leaving_since_s is not None:
            return now_s - self.leaving_since_s > _STOP_S
        return now_s - self.heard_s > (_SILENT_S if self.has_served else _START_S)

    def leave(self) -> None:
        """Tell it to drain."""
        self.leaving_since_s = time.monotonic()
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)

    def close(self) -> None:
        """Forget it."""
        os.close(self._pulse_fd)


class _Supervisor:
    def __init__(self, program: str, workers: int, listening: socket.socket, directory: Path) -> None:
        self._program = program
        self._wanted = workers
        self._listening = listening
        self._directory = directory
        self._alive_fd, self._keep_fd = os.pipe()
        self._numbers = count()
        self._workers: list[_Running] = []
        self._to_replace: deque[_Running] = deque()
        self._successor: _Running | None = None
        self._may_start_s = 0.0
        self._pause_s = _RESTART_PAUSE_S
        self._ticked_s = time.monotonic()

    def start(self) -> _Running:
        """Start one worker."""
        pulse_fd, their_end = os.pipe()
        os.set_blocking(pulse_fd, False)
        os.set_blocking(their_end, False)
        worker = Worker(next(self._numbers), self._listening.fileno(), self._alive_fd, their_end, self._directory)
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", self._program, "--worker", worker.to_text()],
            pass_fds=(worker.socket_fd, worker.parent_fd, worker.pulse_fd),
        )
        os.close(their_end)
        running = _Running(worker.number, process, pulse_fd)
        self._workers.append(running)
        return running

    def start_all(self) -> None:
        """Start as many as are wanted."""
        for _ in range(self._wanted):
            self.start()
        audit.info("workers.started", workers=self._wanted)

    def replace_all(self) -> None:
        """Begin to replace every worker by a new one."""
        self._to_replace = deque(
            worker for worker in self._workers if worker.leaving_since_s is None and worker is not self._successor
        )
        audit.info("workers.replacing", workers=len(self._to_replace))

    def tend(self) -> int | None:
        """See after the workers; return the exit code when the settings are wrong and nobody serves."""
        now_s = time.monotonic()
        if now_s - self._ticked_s > _SILENT_S / 2:  # we were stopped ourselves, and they perhaps with us
            for worker in self._workers:
                worker.heard_s = now_s
        self._ticked_s = now_s
        for worker in list(self._workers):
            worker.listen()
            code = worker.process.poll()
            if code is not None:
                self._bury(worker, code, now_s)
                if code == WRONG_SETTINGS and not any(other.has_served for other in self._workers):
                    return code
            elif worker.is_overdue(now_s):
                audit.error("worker.overdue", worker=worker.number)
                worker.process.kill()
        self._go_on_replacing()
        self._fill_up(now_s)
        return None

    def _bury(self, worker: _Running, code: int, now_s: float) -> None:
        self._workers.remove(worker)
        worker.close()
        if worker.leaving_since_s is None:
            audit.error("worker.died", worker=worker.number, exit_code=code)
            self._pause_s = _RESTART_PAUSE_S if worker.has_served else min(2 * self._pause_s, _LONGEST_PAUSE_S)
            self._may_start_s = now_s + self._pause_s
        if worker in self._to_replace:
            self._to_replace.remove(worker)
        if worker is self._successor:
            self._successor = None
            self._to_replace.clear()
            audit.error("workers.replacing_failed", worker=worker.number)

    def _go_on_replacing(self) -> None:
        """Start the next successor, or let an old worker go whose successor is ready. One at a time."""
        if self._successor is not None and self._successor.is_ready:
            superfluous = self._to_replace.popleft() if self._to_replace else self._successor
            self._successor = None
            superfluous.leave()
            if not self._to_replace:
                audit.info("workers.replaced")
        is_one_leaving = any(worker.leaving_since_s is not None for worker in self._workers)
        if self._successor is None and self._to_replace and not is_one_leaving:
            self._successor = self.start()

    def _fill_up(self, now_s: float) -> None:
        staying = sum(worker.leaving_since_s is None and worker is not self._successor for worker in self._workers)
        if staying < self._wanted and now_s >= self._may_start_s:
            self.start()

    def stop(self) -> int:
        """Tell all workers to drain; return 0 if every one of them did. Whoever comes later is refused."""
        for worker in self._workers:
            worker.leave()
        self._listening.close()  # theirs stay open; with ours, whoever came after them would wait for nobody
        deadline = time.monotonic() + _STOP_S
        codes = []
        for worker in self._workers:
            try:
                codes.append(worker.process.wait(max(0.1, deadline - time.monotonic())))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                codes.append(worker.process.wait())
            worker.close()
        os.close(self._keep_fd)
        os.close(self._alive_fd)
        return 0 if {0, -signal.SIGTERM}.issuperset(codes) else 1


def supervise(program: str, workers: int, listening: socket.socket) -> int:
    """Run workers until told to stop; start a new one for each that dies. Return the exit code."""
    listening.set_inheritable(True)
    told, tell = socket.socketpair()
    told.setblocking(False)  # noqa: FBT003 - the standard library takes it so
    tell.setblocking(False)  # noqa: FBT003 - as above
    signal.set_wakeup_fd(tell.fileno())
    for signal_number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signal_number, lambda *_: None)
    with tempfile.TemporaryDirectory(prefix="authlab-") as directory, selectors.DefaultSelector() as selector:
        supervisor = _Supervisor(program, workers, listening, Path(directory))
        supervisor.start_all()
        selector.register(told, selectors.EVENT_READ)
        code = None
        while code is None:
            signals = told.recv(64) if selector.select(timeout=_TICK_S) else b""
            if {signal.SIGTERM, signal.SIGINT}.intersection(signals):
                break
            if signal.SIGHUP in signals:
                supervisor.replace_all()
            code = supervisor.tend()
        stopped = supervisor.stop()
        return stopped if code is None else code
