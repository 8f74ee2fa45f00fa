"""The whole system as it runs in a demo: real processes, secrets from files, a store for each side."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from click.testing import CliRunner

from auth_server.bootstrap import bootstrap
from lab.processes import RedisProcess, ServerProcess, free_port
from tests.support.environments import AUDIENCE, CLIENTS, DEMO

RESOURCES = {
    "resource-1": "plain-jwt",
    "resource-2": "plain-jwt",
    "denylisted": "denylisted-jwt",
    "pushed": "pushed-jwt",
    "introspected": "introspected-token",
}
SESSIONS = {
    "session-1": "redis-session",
    "session-2": "redis-session",
    "memory-1": "memory-session",
    "tracked-1": "tracked-session",
}


class House:
    """Every server by its name; all of them end together."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.servers: dict[str, ServerProcess] = {}
        self._stack = ExitStack()
        self._auth_port = free_port()

    def __enter__(self) -> Self:
        """Start everything, and return when all of it is ready."""
        self.redis_auth = self._redis("redis-auth", "--maxmemory-policy", "noeviction")
        self.redis_sessions = self._redis("redis-sessions")
        result = CliRunner().invoke(bootstrap, ["--secrets", str(self.directory / "secrets")])
        assert 0 == result.exit_code, result.output
        self._start("auth", "auth_server", self._auth(), self._auth_port)
        for name, strategy in RESOURCES.items():
            self._start(name, "resource_server", self._resource(strategy))
        for name, strategy in SESSIONS.items():
            self._start(name, "session_server", self._session(strategy))
        for server in self.servers.values():
            server.wait_ready(60)
        return self

    def __exit__(self, *_: object) -> None:
        for server in self.servers.values():
            server.kill()  # how a server stops in order, which takes its time, is tested elsewhere
        self._stack.close()

    def url(self, name: str) -> str:
        """Return where a server is."""
        return self.servers[name].url

    def logs(self) -> str:
        """Return everything that all servers wrote."""
        return "".join(path.read_text(encoding="utf-8", errors="replace") for path in self.directory.glob("*.log"))

    def secrets(self) -> list[str]:
        """Return every secret that was made for this system."""
        files = [path for path in (self.directory / "secrets").rglob("*") if path.is_file()]
        return [path.read_text().strip() for path in files]

    def _redis(self, name: str, *arguments: str) -> RedisProcess:
        return self._stack.enter_context(RedisProcess.start(self.directory / name, arguments=arguments, name=name))

    def _start(self, name: str, module: str, settings: Mapping[str, str], port: int = 0) -> None:
        environment = {**DEMO, "LOGIN_RATE_PER_ACCOUNT": "1000000", **settings}
        del environment["NAME"]
        log = self.directory / f"{name}.log"
        server = ServerProcess(name, module, environment, port or free_port(), output=log)
        self.servers[name] = self._stack.enter_context(server.start())

    def _auth(self) -> dict[str, str]:
        secrets = self.directory / "secrets"
        return {
            "AUTH_ISSUER": f"http://127.0.0.1:{self._auth_port}",
            "AUTH_MASTER_SECRET_FILE": str(secrets / "auth" / "master"),
            "AUTH_KEYS_DIR": str(secrets / "auth" / "keys"),
            "AUTH_AUDIENCE_KEYS_DIR": str(secrets / "audiences"),
            "AUTH_REDIS_URL": self.redis_auth.url,
        }

    def _resource(self, strategy: str) -> dict[str, str]:
        auth = f"http://127.0.0.1:{self._auth_port}"
        settings = {
            "RESOURCE_STRATEGY": strategy,
            "RESOURCE_ISSUER": auth,
            "RESOURCE_SHARED_SECRET_FILE": str(self.directory / "secrets" / "audiences" / f"{AUDIENCE}.json"),
        }
        if strategy in {"denylisted-jwt", "pushed-jwt"}:
            settings["RESOURCE_REDIS_URL"] = self.redis_auth.url
        if strategy == "introspected-token":
            settings |= {
                "RESOURCE_INTROSPECTION_URL": f"{auth}/oauth/introspect",
                "RESOURCE_CLIENT_ID": "demo-resource",
                "RESOURCE_CLIENT_SECRET": CLIENTS["demo-resource"],
            }
        return settings

    def _session(self, strategy: str) -> dict[str, str]:
        store = {} if strategy == "memory-session" else {"SESSION_REDIS_URL": self.redis_sessions.url}
        return {
            "SESSION_STRATEGY": strategy,
            "SESSION_ACCOUNTS_REDIS_URL": self.redis_auth.url,
            "SESSION_COOKIE_SECURE": "false",
            **store,
        }
