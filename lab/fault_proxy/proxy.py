"""The listening side: accepts clients, or refuses them, and tells every link of a change."""

import asyncio
import socket

from lab.fault_proxy.faults import Faults
from lab.fault_proxy.link import Link

_BACKLOG = 1024


class Proxy:
    """Listen on one address and join each client to the server at another."""

    def __init__(self, listen: tuple[str, int], target: tuple[str, int]) -> None:
        self._address = listen
        self._target = target
        self._links: set[Link] = set()
        self._accepting: set[asyncio.Task[object]] = set()
        self._listener: socket.socket | None = None
        self._placeholder: socket.socket | None = None
        self.faults = Faults(changed=self._apply)

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._links)

    def open(self) -> int:
        """Begin to listen; return the port. Raises `OSError` when it is taken."""
        self._listen()
        return self._address[1]

    def cut(self) -> None:
        """Reset every connection now."""
        for link in list(self._links):
            link.reset()

    def close(self) -> None:
        """Listen no more and end every connection."""
        self._stop_listening()
        if self._placeholder is not None:
            self._placeholder.close()
        self.cut()

    def _apply(self) -> None:
        if self.faults.kind == "refuse":
            self._refuse()
        elif self._placeholder is not None:
            self._listen()
            self._placeholder.close()
            self._placeholder = None
        for link in list(self._links):
            link.apply()

    def _refuse(self) -> None:
        """Answer connects with a TCP reset; a socket that is bound but does not listen keeps the port ours."""
        if self._placeholder is None:
            self._placeholder = self._bound()
            self._stop_listening()
        self.cut()

    def _bound(self) -> socket.socket:
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind(self._address)
        self._address = (self._address[0], bound.getsockname()[1])
        return bound

    def _listen(self) -> None:
        self._listener = self._bound()
        self._listener.settimeout(0)
        self._listener.listen(_BACKLOG)
        asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)

    def _stop_listening(self) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except OSError:  # the client has gone again
            return
        connection.settimeout(0)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link = Link(self.faults, self._target, self._links.discard)
        self._links.add(link)
        joining = asyncio.get_running_loop().connect_accepted_socket(lambda: link.client, connection)
        task: asyncio.Task[object] = asyncio.get_running_loop().create_task(joining)
        self._accepting.add(task)
        task.add_done_callback(self._accepting.discard)
