"""Two Redis with a replica each, and three sentinels that watch both: all of them real."""

import signal
import socket
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from redis import Redis

from lab.guarded_child import GuardedChild
from lab.processes import (
    LOOPBACK,
    ProcessFailed,
    RedisProcess,
    find_redis_server,
    free_port,
    inherited_environment,
)

DOWN_AFTER_MS = 1000
_START_S = 15.0
_SENTINELS = 3
_NODE = ("--maxmemory-policy", "noeviction", "--repl-diskless-sync-delay", "0", "--enable-debug-command", "yes")


class Sentinel:
    """One sentinel, which keeps its configuration in a directory of its own."""

    def __init__(self, directory: Path, masters: dict[str, int]) -> None:
        self.port = free_port()
        directory.mkdir(parents=True)
        lines = [f"port {self.port}", f"bind {LOOPBACK}", f"dir {directory}"]
        for name, port in masters.items():
            lines += [
                f"sentinel monitor {name} {LOOPBACK} {port} 2",
                f"sentinel down-after-milliseconds {name} {DOWN_AFTER_MS}",
                f"sentinel failover-timeout {name} 6000",
            ]
        configuration = directory / "sentinel.conf"
        configuration.write_text("\n".join(lines) + "\n", encoding="utf-8")
        command = [str(find_redis_server()), str(configuration), "--sentinel"]
        self._child = GuardedChild(command, environment=inherited_environment(), output=directory / "log")

    @property
    def answers(self) -> bool:
        """Whether it is up and not paused."""
        return _role(self.port) == "sentinel"

    def pause(self) -> None:
        """Freeze it."""
        self._child.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._child.signal(signal.SIGCONT)

    def ask(self, *command: str) -> Any:
        """Send a command."""
        with Redis(host=LOOPBACK, port=self.port, decode_responses=True, socket_timeout=2.0) as client:
            return client.execute_command(*command)

    def knows_everybody(self, master: str) -> bool:
        """Tell whether it has found the master's replica and the other sentinels, so that it could fail over."""
        state = self.ask("SENTINEL", "MASTER", master)
        found = (state["flags"], int(state["num-slaves"]), int(state["num-other-sentinels"]))
        return found == ("master", 1, _SENTINELS - 1)

    def stop(self) -> None:
        """End it."""
        self._child.stop(within_s=5.0)


class Replicated:
    """One master and one replica, by the name that the sentinels know them under."""

    def __init__(self, name: str, directory: Path, stack: ExitStack) -> None:
        self.name = name
        first = stack.enter_context(RedisProcess.start(directory / f"{name}-1", arguments=_NODE, name=f"{name}-1"))
        following = ("--replicaof", f"{LOOPBACK} {first.port}")
        second = stack.enter_context(
            RedisProcess.start(directory / f"{name}-2", arguments=(*_NODE, *following), name=f"{name}-2")
        )
        self.nodes = (first, second)


class SentinelHouse:
    """The whole of it; use it as a context manager."""

    def __init__(self, directory: Path, *names: str) -> None:
        self._stack = ExitStack()
        with ExitStack() as starting:
            starting.push(self._stack)
            self.stores = {name: Replicated(name, directory, self._stack) for name in names}
            masters = {name: store.nodes[0].port for name, store in self.stores.items()}
            self.sentinels = [Sentinel(directory / f"sentinel-{number}", masters) for number in range(_SENTINELS)]
            for sentinel in self.sentinels:
                self._stack.callback(sentinel.stop)
            self._wait_until_they_could_fail_over()
            starting.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def url(self, name: str) -> str:
        """Return where clients find a master."""
        addresses = ",".join(f"{LOOPBACK}:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://{addresses}/0?master={name}"

    def master(self, name: str) -> RedisProcess:
        """Return the master by the newest word of the sentinels; an old one may still call itself so."""
        states = [sentinel.ask("SENTINEL", "MASTER", name) for sentinel in self.sentinels if sentinel.answers]
        newest = max(states, key=lambda state: int(state["config-epoch"]))
        return next(node for node in self.stores[name].nodes if node.port == int(newest["port"]))

    def replica(self, name: str) -> RedisProcess:
        """Return the other node."""
        master = self.master(name)
        return next(node for node in self.stores[name].nodes if node is not master)

    def wait_for_another_master(self, name: str, old: RedisProcess, *, within_s: float = 20.0) -> None:
        """Return once the sentinels name another master and it says so itself."""
        deadline = time.monotonic() + within_s
        while (master := self.master(name)) is old or _role(master.port) != "master":
            if time.monotonic() > deadline:
                raise ProcessFailed(f"{name} was not failed over within {within_s:g} s")
            time.sleep(0.02)

    def wait_for_a_replica(self, name: str, *, within_s: float = 30.0) -> None:
        """Return once the other node follows the master: an old master is made a replica ten seconds after."""
        deadline = time.monotonic() + within_s
        while _role(self.replica(name).port) != "slave":
            if time.monotonic() > deadline:
                raise ProcessFailed(f"{name} has no replica after {within_s:g} s")
            time.sleep(0.1)

    def _wait_until_they_could_fail_over(self) -> None:
        deadline = time.monotonic() + _START_S
        while not all(_could_fail_over(sentinel, name) for sentinel in self.sentinels for name in self.stores):
            if time.monotonic() > deadline:
                raise ProcessFailed("the sentinels did not find each other")
            time.sleep(0.1)


def _could_fail_over(sentinel: Sentinel, name: str) -> bool:
    try:
        return sentinel.knows_everybody(name)
    except OSError:
        return False


def _role(port: int) -> str:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as connection:
            connection.sendall(b"*1\r\n$4\r\nROLE\r\n")
            return connection.recv(256).split(b"\r\n")[2].decode()
    except OSError:
        return "away"
