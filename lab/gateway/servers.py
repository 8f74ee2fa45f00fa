"""The servers that the gateway forwards to, and groups of them that are dealt in turn, as a balancer would."""

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

AUTH = "auth"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_NUMBER = re.compile(r"-\d+$")


class NotAServerLine(ValueError):
    """A line does not describe a server; the message says why."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server."""

    name: str
    strategy: str
    url: str
    public_url: str
    """Where a terminal on the learner's machine finds it."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to connect to."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or 80

    @property
    def authority(self) -> str:
        """What goes into the `Host` header, the same as from a terminal."""
        return urlsplit(self.public_url).netloc

    @property
    def group(self) -> str:
        """The name that its replicas share."""
        return _NUMBER.sub("", self.name)


def server_of(line: str) -> Server:
    """Read a line of `GATEWAY_SERVERS`. Raises `NotAServerLine`."""
    words = line.split()
    if len(words) not in {3, 4}:
        raise NotAServerLine(f"{line.strip()!r} is not: name strategy url [public-url]")
    name, strategy, *urls = words
    if not _NAME.fullmatch(name):
        raise NotAServerLine(f"{name!r} is not a name")
    for url in urls:
        if urlsplit(url).scheme != "http" or not urlsplit(url).hostname:
            raise NotAServerLine(f"{url!r} is not an http:// address")
    return Server(name, strategy, urls[0].rstrip("/"), urls[-1].rstrip("/"))


class Servers:
    """All servers by name."""

    def __init__(self, servers: Iterable[Server]) -> None:
        self._by_name = {server.name: server for server in servers}
        groups: dict[str, list[Server]] = {}
        for server in self:
            groups.setdefault(server.group, []).append(server)
        self._groups = {name: group for name, group in groups.items() if name not in self._by_name}

    def __iter__(self) -> Iterator[Server]:
        return iter(self._by_name.values())

    def named(self, name: str) -> Server | None:
        """Return the server of this name."""
        return self._by_name.get(name)

    def group(self, name: str) -> list[Server]:
        """Return the replicas that share this name."""
        return self._groups.get(name, [])


class Dealer:
    """Deals a group's servers in turn; one for each learner, so that nobody's turn depends on another's."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._turns: dict[str, Iterator[Server]] = {}

    def deal(self, name: str) -> Server | None:
        """Return the server of this name, or the next one of the group of this name."""
        server = self._servers.named(name)
        if server is not None:
            return server
        if name not in self._turns:
            self._turns[name] = itertools.cycle(self._servers.group(name))
        return next(self._turns[name], None)
