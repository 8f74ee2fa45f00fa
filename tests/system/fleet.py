"""Every kind of server as a process of its own, beside one Redis of their own."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.processes import RedisProcess, ServerProcess, free_port
from resource_server.strategies import STRATEGIES as TOKEN_STRATEGIES
from session_server.strategies import STRATEGIES as SESSION_STRATEGIES
from tests.support.environments import CLIENTS, auth_environment, resource_environment, session_environment

AUTH = "auth"
ALL = (AUTH, *TOKEN_STRATEGIES, *SESSION_STRATEGIES)


@dataclass(frozen=True)
class Fleet:
    """Servers by name: `auth`, and one for each strategy."""

    redis: RedisProcess
    servers: dict[str, ServerProcess]

    def url(self, name: str) -> str:
        """Return where a server is."""
        return self.servers[name].url


@contextmanager
def running(directory: Path, names: tuple[str, ...] = ALL) -> Iterator[Fleet]:
    """Start servers; they and their Redis stop with the block."""
    with ExitStack() as stack:
        redis = stack.enter_context(RedisProcess.start(directory / "redis"))
        servers: dict[str, ServerProcess] = {}
        auth_url = ""
        for name in sorted(names, key=ALL.index):
            port = free_port()
            auth_url = auth_url or f"http://127.0.0.1:{port}"
            module, environment = _settings(name, redis.url, auth_url, directory)
            servers[name] = stack.enter_context(ServerProcess(name, module, environment, port))
        for server in servers.values():
            server.start()
        for server in servers.values():
            server.wait_ready(timeout_s=30)
        try:
            yield Fleet(redis, servers)
        finally:
            for server in servers.values():
                server.kill()  # one after the other they would drain, a second each


def _settings(name: str, redis_url: str, auth_url: str, directory: Path) -> tuple[str, dict[str, str]]:
    plenty = {"LOGIN_RATE_PER_ADDRESS": "100000", "LOGIN_RATE_PER_ACCOUNT": "100000"}
    if name == AUTH:
        return "auth_server", auth_environment(redis_url, AUTH_KEYS_DIR=str(directory / "keys"), **plenty)
    if name in TOKEN_STRATEGIES:
        introspection = {
            "RESOURCE_INTROSPECTION_URL": f"{auth_url}/oauth/introspect",
            "RESOURCE_CLIENT_ID": "demo-resource",
            "RESOURCE_CLIENT_SECRET": CLIENTS["demo-resource"],
        }
        return "resource_server", resource_environment(name, RESOURCE_REDIS_URL=redis_url, **introspection)
    url = "" if name == "memory-session" else redis_url
    return "session_server", session_environment(name, url, **plenty)
