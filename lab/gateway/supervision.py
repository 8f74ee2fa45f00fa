"""How the gateway asks the supervisor to restart a server, also with its clock moved. Both ends of it are here."""

import asyncio
import json
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MAX_OFFSET_S = 86400.0
_ANSWER_WITHIN_S = 40.0
_MAX_LINE_BYTES = 4096

Restart = Callable[[str, Mapping[str, str]], None]
"""Restart the server of this name with these settings beside its own; return when it is ready. Raises `KeyError`."""


class SupervisorDown(Exception):
    """The supervisor cannot be asked or could not do it; the message says which."""


@dataclass
class Supervisor:
    """Asks the supervisor; this end is the gateway's."""

    socket_path: Path | None
    skewed: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Servers whose clock is moved: by how much, and when that ends."""

    @property
    def is_there(self) -> bool:
        """Whether this lab has a supervisor that restarts servers."""
        return self.socket_path is not None

    async def restart(self, server: str, *, offset_s: float = 0.0) -> None:
        """Restart a server with its clock moved, or right again. Raises `SupervisorDown`."""
        if self.socket_path is None:
            raise SupervisorDown("nobody here restarts servers")
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                reader, writer = await asyncio.open_unix_connection(str(self.socket_path))
                writer.write(json.dumps({"restart": server, "offset_s": offset_s}).encode() + b"\n")
                said = json.loads(await reader.readline())
                writer.close()
        except (OSError, TimeoutError, ValueError) as error:
            raise SupervisorDown("the supervisor does not answer") from error
        if "error" in said:
            raise SupervisorDown(str(said["error"]))
        self._note(server, offset_s)

    def _note(self, server: str, offset_s: float) -> None:
        self.skewed.pop(server, None)
        if offset_s:
            self.skewed[server] = {"offset_s": offset_s, "since": round(time.time() * 1000)}


class ProcessControl:
    """Takes the gateway's wishes on a Unix socket, one at a time, from now until closed; the supervisor's end."""

    def __init__(self, restart: Restart) -> None:
        self._restart = restart
        # Beside the lab's directory, not in it: the path of a socket may have about a hundred characters at most.
        self._directory = tempfile.TemporaryDirectory(prefix="authlab-")
        self.path = Path(self._directory.name) / "control"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(self.path))
        self.path.chmod(0o600)
        self._socket.listen(4)
        threading.Thread(target=self._serve, name="process-control", daemon=True).start()

    def close(self) -> None:
        """Take no more. Closing twice is fine."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # closing alone does not wake a thread that waits in accept
        self._socket.close()
        self._directory.cleanup()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:  # closed
                return
            with connection, suppress(OSError):
                connection.settimeout(1.0)
                connection.sendall(json.dumps(self._answer(_line(connection))).encode() + b"\n")

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            wish = json.loads(line)
            name, offset_s = wish["restart"], float(wish["offset_s"])
        except (ValueError, TypeError, KeyError):
            return {"error": "not a wish"}
        if not isinstance(name, str) or not abs(offset_s) <= MAX_OFFSET_S:
            return {"error": "not a wish"}
        try:
            self._restart(name, {"CLOCK_OFFSET_S": str(offset_s)} if offset_s else {})
        except KeyError:
            return {"error": f"there is no server called {name}"}
        except Exception as error:  # noqa: BLE001 - whatever kept the server from starting, the learner is told
            return {"error": str(error)}
        return {}


def _line(connection: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\n") and len(line) < _MAX_LINE_BYTES:
        chunk = connection.recv(_MAX_LINE_BYTES)
        if not chunk:
            break
        line += chunk
    return line
