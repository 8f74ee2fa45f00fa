"""Start, await, pause and stop the real servers and the real Redis: for the command, the tests and the benchmark."""

import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from lab.guarded_child import GuardedChild, Output
from lab.readiness import is_ready
from lab.redis_binary import NoRedis, find_redis_server

__all__ = ["NoRedis", "Output", "ProcessFailed", "RedisProcess", "ServerProcess", "find_redis_server", "free_port"]

LOOPBACK = "127.0.0.1"
_POLL_S = 0.05
_PORT_TRIES = 3
# Servers see these and what they are given, nothing else: a stray setting in the caller's shell must not reach them.
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "VIRTUAL_ENV", "NO_COLOR", "PYTHONDONTWRITEBYTECODE")


_PORTS = range(20_000, 32_000)
"""Below the ports that systems hand out to clients."""
_given: set[int] = set()


class ProcessFailed(Exception):
    """A process ended early or did not get ready; the message names it and repeats its last line."""


def free_port() -> int:
    """Return a port on 127.0.0.1 that nobody holds, and that no outgoing connection takes before a server does.

    None is given twice until half of them were: the second of two servers that start at a time may wait silently.
    """
    while True:
        if len(_given) > len(_PORTS) // 2:
            _given.clear()
        port = secrets.choice(_PORTS)
        if port in _given:
            continue
        _given.add(port)
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port


class _Process:
    """What a Redis and a server have in common; use it as a context manager to be sure that it ends."""

    stop_within_s = 5.0

    def __init__(self, name: str, port: int, is_ready: Callable[[int], bool]) -> None:
        self.name = name
        self.port = port
        self._is_ready = is_ready
        self._child: GuardedChild | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process id of the server itself."""
        return self._started().pid

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._child is not None and self._child.running

    @property
    def exit_code(self) -> int | None:
        """What the last run ended with, negative for a signal; None while it runs."""
        return self._started().exit_code

    def stop(self) -> None:
        """End it with SIGTERM, after a bound with SIGKILL. Stopping twice is fine."""
        if self._child is not None:
            self._child.stop(within_s=self.stop_within_s)

    def ask_to_stop(self) -> None:
        """Send SIGTERM and do not wait; `stop` waits."""
        if self._child is not None:
            self._child.signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it with SIGKILL, as a crash would."""
        if self._child is not None:
            self._child.kill()

    def pause(self) -> None:
        """Freeze it with SIGSTOP: its connections stay open and nothing answers."""
        self._started().signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after `pause`."""
        self._started().signal(signal.SIGCONT)

    def wait_ready(self, timeout_s: float = 15.0) -> None:
        """Return once it serves; raise `ProcessFailed` when it ends early or is too slow."""
        child = self._started()
        deadline = time.monotonic() + timeout_s
        while not self._is_ready(self.port):
            if not child.running:
                raise ProcessFailed(self.last_words())
            if time.monotonic() > deadline:
                raise ProcessFailed(f"{self.name} is not ready after {timeout_s:g} s: {child.last_line()}")
            time.sleep(_POLL_S)

    def last_words(self) -> str:
        """Say what it ended with and the last line that it wrote."""
        child = self._started()
        return f"{self.name} ended with {child.exit_code}: {child.last_line() or 'it wrote nothing'}"

    def _started(self) -> GuardedChild:
        if self._child is None:
            raise ProcessFailed(f"{self.name} was not started")
        return self._child


class RedisProcess(_Process):
    """A Redis server of our own on 127.0.0.1 that keeps nothing on disk unless its arguments say so."""

    def __init__(
        self,
        directory: Path,
        *,
        port: int = 0,
        arguments: Sequence[str] = (),
        name: str = "redis",
        output: Output = None,
    ) -> None:
        super().__init__(name, port, _answers_ping)
        self.directory = directory
        self._arguments = tuple(arguments)
        self._output = output

    @classmethod
    def start(
        cls,
        directory: Path,
        *,
        port: int = 0,
        arguments: Sequence[str] = (),
        name: str = "redis",
        output: Output = None,
    ) -> Self:
        """Start one, on any free port if none is given, and return when it answers.

        `arguments` go to the server as they are, for example `--maxmemory-policy noeviction`.
        """
        tries = 1 if port else _PORT_TRIES  # a free port may be taken by another before Redis binds it
        while True:
            redis = cls(directory, port=port or free_port(), arguments=arguments, name=name, output=output)
            redis.restart()
            try:
                redis.wait_ready()
            except ProcessFailed:
                redis.kill()
                tries -= 1
                if not tries:
                    raise
            else:
                return redis

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"redis://{LOOPBACK}:{self.port}/0"

    def restart(self) -> None:
        """Start it again on its port, empty unless it persists; whatever ran before is stopped."""
        self.stop()
        self.directory.mkdir(parents=True, exist_ok=True)
        settings = {
            "bind": LOOPBACK,
            "port": str(self.port),
            "dir": str(self.directory),
            "save": "",
            "appendonly": "no",
        }
        defaults = [part for name, value in settings.items() for part in (f"--{name}", value)]
        command = [str(find_redis_server()), *defaults, *self._arguments]
        self._child = GuardedChild(command, environment=inherited_environment(), output=self._output)


class ServerProcess(_Process):
    """One of our servers, started with `python -m` from the settings given and nothing else."""

    # A server drains for a second or more after SIGTERM, and answers what it has begun.
    stop_within_s = 10.0

    def __init__(
        self, name: str, module: str, environment: Mapping[str, str], port: int, *, output: Output = None
    ) -> None:
        super().__init__(name, port, _answers_readyz)
        self.module = module
        self.environment = dict(environment)
        self._output = output

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> Self:
        """Start it, again if it ran before; `wait_ready` tells when it serves."""
        self.stop()
        own = {"HOST": LOOPBACK, "PORT": str(self.port), "NAME": self.name}
        command = [sys.executable, "-m", self.module]
        self._child = GuardedChild(
            command, environment=inherited_environment() | own | self.environment, output=self._output
        )
        return self


def _answers_ping(port: int) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))
    except OSError:
        return False


def _answers_readyz(port: int) -> bool:
    return is_ready(f"http://{LOOPBACK}:{port}", timeout_s=1.0)


def inherited_environment() -> dict[str, str]:
    """Return what a child sees of our environment: where things are, and no setting of any server."""
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    # The servers are found beside us, from whatever directory the command was started in.
    return passed_on | {"PYTHONPATH": str(Path(__file__).resolve().parents[1]), "PYTHONUNBUFFERED": "1"}
