"""Start a fault proxy as a process of its own and tell it what to break."""

import json
import socket
import sys
import threading
from types import TracebackType
from typing import Any, Self

from lab.guarded_child import GuardedChild
from lab.processes import LOOPBACK, ProcessFailed, inherited_environment

_ANSWER_WITHIN_S = 5.0
_START_WITHIN_S = 10.0


class FaultControl:
    """Command a running fault proxy through its control port."""

    def __init__(self, control_port: int, *, host: str = LOOPBACK) -> None:
        self._control = (host, control_port)

    def delay(self, *, to_server_ms: float = 0.0, to_client_ms: float = 0.0, for_s: float | None = 120.0) -> None:
        """Hold back what passes, each direction by so much."""
        self._do("delay", to_server_ms=to_server_ms, to_client_ms=to_client_ms, for_s=for_s)

    def refuse(self, *, for_s: float | None = 120.0) -> None:
        """Be gone: reset every connection and refuse new ones."""
        self._do("refuse", for_s=for_s)

    def hang(self, *, for_s: float | None = 120.0) -> None:
        """Accept connections and pass nothing; what was sent meanwhile passes after healing."""
        self._do("hang", for_s=for_s)

    def cut(self) -> None:
        """Reset every connection once, now; new ones work."""
        self._do("cut")

    def cut_replies(self, *, after_bytes: int, for_s: float | None = 120.0) -> None:
        """Let so many more reply bytes pass on each connection, then reset it."""
        self._do("cut", after_reply_bytes=after_bytes, for_s=for_s)

    def heal(self) -> None:
        """End every fault and delay."""
        self._do("heal")

    def status(self) -> dict[str, Any]:
        """Tell which fault and delay are active and for how long, and how many connections there are."""
        return self._do("status")

    def _do(self, command: str, **arguments: float | None) -> dict[str, Any]:
        with socket.create_connection(self._control, timeout=_ANSWER_WITHIN_S) as connection:
            connection.sendall(json.dumps({"do": command, **arguments}).encode() + b"\n")
            answer: dict[str, Any] = json.loads(connection.makefile("rb").readline())
        if not answer.pop("ok"):
            raise ValueError(answer["error"])
        return answer


class FaultProxy(FaultControl):
    """A fault proxy on 127.0.0.1 in front of one server; stop it, or use it as a context manager."""

    def __init__(self, target_port: int, *, target_host: str = LOOPBACK, port: int = 0) -> None:
        self._ports: dict[str, int] = {}
        self._ready = threading.Event()
        options = ["--listen", str(port), "--to", f"{target_host}:{target_port}", "--control", "0"]
        command = [sys.executable, "-m", "lab.fault_proxy", *options]
        self._child = GuardedChild(command, environment=inherited_environment(), output=self._read_ports)
        if not self._ready.wait(_START_WITHIN_S) or not self._ports:
            self._child.kill()
            raise ProcessFailed(f"the fault proxy did not start: {self._child.last_line()}")
        super().__init__(self._ports["control"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """Where clients connect."""
        return self._ports["listen"]

    @property
    def control_port(self) -> int:
        """Where commands go."""
        return self._ports["control"]

    @property
    def pid(self) -> int:
        """The process id."""
        return self._child.pid

    def stop(self) -> None:
        """End it, and every connection through it."""
        self._child.stop(within_s=_ANSWER_WITHIN_S)

    def _read_ports(self, line: str) -> None:
        if line.startswith('{"listen"'):
            self._ports = json.loads(line)
        self._ready.set()
