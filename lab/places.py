"""Where the servers of a running system are: from the state of `authlab up`, at the usual ports, or as told."""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from lab.processes import LOOPBACK
from lab.readiness import is_ready
from lab.state import LabDirectory, ServerState
from lab.topology import OFFSET_VARIABLE, REDIS_AUTH, REDIS_SESSIONS, Choices, Secrets, ServerPlan, Stores, servers

_ASK_WITHIN_S = 1.0

TOKEN_STRATEGIES = ("plain-jwt", "denylisted-jwt", "pushed-jwt", "introspected-token")
SESSION_STRATEGIES = ("redis-session", "memory-session", "tracked-session")


class NotRunning(Exception):
    """No lab runs here and no addresses were given."""

    def __init__(self, message: str = "no lab is running here; start it with: authlab up --detach") -> None:
        super().__init__(message)


@dataclass(frozen=True)
class Server:
    """One server that can be asked."""

    name: str
    url: str


@dataclass(frozen=True)
class Places:
    """All servers by strategy, and the stores behind them."""

    auth: Server | None = None
    by_strategy: dict[str, list[Server]] = field(default_factory=dict)
    redis_auth: str | None = None
    redis_sessions: str | None = None
    lab_secret: str | None = field(default=None, repr=False)
    shared_secret: Path | None = None
    """The file that resource servers read their key from, which lesson 11 leaks."""
    fault_proxies: dict[str, tuple[str, int]] = field(default_factory=dict)
    """The control address of each fault proxy, by what stands behind it."""

    @classmethod
    def of_running_system(cls, directory: LabDirectory) -> Self:
        """Return where the lab of a directory is, else what answers at the usual ports, as compose publishes them.

        Raises `NotRunning` when there is neither.
        """
        state = directory.running()
        if state is None:
            return cls._at_usual_ports()
        redis = {one.name: one.url for one in state.redis}
        return cls(
            next((Server(one.name, one.url) for one in state.servers if one.strategy is None), None),
            _by_strategy(state.servers),
            redis.get(REDIS_AUTH),
            redis.get(REDIS_SESSIONS),
            read_secret(directory.secrets / "lab"),
            Secrets(directory.secrets).shared_secret,
            {target: (LOOPBACK, port) for target, port in state.fault_proxies.items()},
        )

    @classmethod
    def _at_usual_ports(cls) -> Self:
        choices = Choices(everything=True, port_offset=int(os.environ.get(OFFSET_VARIABLE) or 0))
        planned = servers(choices, Stores("", ""), Secrets(Path()))
        with ThreadPoolExecutor(len(planned)) as pool:
            ready = pool.map(lambda plan: is_ready(plan.url, timeout_s=_ASK_WITHIN_S), planned)
        answering = [plan for plan, one_ready in zip(planned, ready, strict=True) if one_ready]
        auth = next((Server(plan.name, plan.url) for plan in answering if plan.strategy is None), None)
        if auth is None:
            raise NotRunning
        return cls(auth, _by_strategy(answering))

    def at(self, strategy: str) -> list[Server]:
        """Return the servers of a strategy; none when they do not run."""
        return self.by_strategy.get(strategy, [])

    def named(self, name: str) -> Server | None:
        """Find a server by its name."""
        return next((server for server in self.all() if server.name == name), None)

    def strategy_of(self, server: Server) -> str | None:
        """Return the strategy of a server; None for the auth server."""
        return next((strategy for strategy, servers in self.by_strategy.items() if server in servers), None)

    def all(self) -> Iterable[Server]:
        """Return every server."""
        return [*([self.auth] if self.auth else []), *(one for servers in self.by_strategy.values() for one in servers)]

    def told(self, auth_url: str | None, urls: dict[str, tuple[str, ...]]) -> Self:
        """Replace what was told otherwise; each URL is named by its host and port."""
        given = {strategy: [_named(url) for url in some] for strategy, some in urls.items() if some}
        auth = _named(auth_url) if auth_url else self.auth
        return replace(self, auth=auth, by_strategy={**self.by_strategy, **given})


def read_secret(path: Path) -> str | None:
    """Read the secret that lets the lab ask which check refused; None without."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return None


def _by_strategy(servers: Iterable[ServerPlan | ServerState]) -> dict[str, list[Server]]:
    found: dict[str, list[Server]] = {}
    for one in servers:
        if one.strategy is not None:
            found.setdefault(one.strategy, []).append(Server(one.name, one.url))
    return found


def _named(url: str) -> Server:
    bare = url.rstrip("/")
    return Server(bare.partition("://")[2], bare)
