"""The system of one experiment: real processes on 127.0.0.1, each with a log of its own, all stopped at the end."""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from lab.fault_proxy_client import FaultProxy
from lab.processes import RedisProcess, ServerProcess, free_port
from tests.support.environments import CLIENTS, auth_environment, resource_environment, session_environment

LASTING = ("--appendonly", "yes", "--appendfsync", "always")
"""For a Redis that keeps its data when it is killed."""
_NO_LIMITS = {"LOGIN_RATE_PER_ADDRESS": "1000000"}


class House:
    """Starts parts of a system; use it as a context manager."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stack = ExitStack()
        self._starting: list[ServerProcess] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._starting:
            server.ask_to_stop()
        self._stack.close()

    def redis(self, name: str, *arguments: str) -> RedisProcess:
        """Start a Redis that evicts nothing."""
        arguments = ("--maxmemory-policy", "noeviction", *arguments)
        return self._stack.enter_context(RedisProcess.start(self._directory / name, arguments=arguments, name=name))

    def proxy(self, port: int) -> FaultProxy:
        """Start a proxy in front of a server."""
        return self._stack.enter_context(FaultProxy(port))

    def auth(self, redis_url: str, *, name: str = "auth", **settings: str) -> ServerProcess:
        """Start an auth server."""
        return self.server(name, "auth_server", auth_environment(redis_url, **_NO_LIMITS, **settings))

    def resource(self, strategy: str, *, name: str = "", **settings: str) -> ServerProcess:
        """Start a resource server."""
        return self.server(name or strategy, "resource_server", resource_environment(strategy, **settings))

    def session(self, strategy: str, redis_url: str, *, name: str = "", **settings: str) -> ServerProcess:
        """Start a session server."""
        environment = session_environment(strategy, redis_url, **_NO_LIMITS, **settings)
        return self.server(name or strategy, "session_server", environment)

    def server(self, name: str, module: str, environment: Mapping[str, str]) -> ServerProcess:
        """Start a server; `ready` waits until it serves."""
        environment = {**environment, "NAME": name}
        process = ServerProcess(name, module, environment, free_port(), output=self._directory / f"{name}.log")
        self._stack.enter_context(process)
        self._starting.append(process.start())
        return process

    def ready(self) -> None:
        """Wait until every server serves."""
        for server in self._starting:
            server.wait_ready(timeout_s=30.0)

    def log(self, name: str) -> str:
        """Return what a server wrote so far."""
        return (self._directory / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def crashes(self) -> dict[str, str]:
        """Return the first line of every log that tells of an error of ours."""
        logs = {path.stem: path.read_text(encoding="utf-8", errors="replace") for path in self._directory.glob("*.log")}
        return {
            name: next(line for line in text.splitlines() if _is_crash(line))
            for name, text in logs.items()
            if any(map(_is_crash, text.splitlines()))
        }


def introspection_of(auth: ServerProcess) -> dict[str, str]:
    """Return what a resource server needs to ask an auth server about tokens."""
    return {
        "RESOURCE_INTROSPECTION_URL": f"{auth.url}/oauth/introspect",
        "RESOURCE_CLIENT_ID": "demo-resource",
        "RESOURCE_CLIENT_SECRET": CLIENTS["demo-resource"],
    }


def pids_of(servers: Iterable[ServerProcess]) -> list[int]:
    """Return the process ids of those that run."""
    return [server.pid for server in servers if server.running]


def _is_crash(line: str) -> bool:
    return "request.crashed" in line or line.startswith("Traceback")
