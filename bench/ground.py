"""What the servers of one batch stand on: secrets, accounts, two stores and the auth servers, all fresh."""

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from bench.accounts import HASH_MEMORY_KIB, write_accounts
from bench.cores import Placement, move, running_on
from lab.processes import RedisProcess, ServerProcess, free_port

ALGORITHMS = ("HS256", "Ed25519", "ES256", "RS256")
AUDIENCE = "authlab-api"
Side = Literal["auth", "sessions"]
SIDES: tuple[Side, ...] = ("auth", "sessions")
LOGIN_SETTINGS = {
    "AUTHLAB_DEMO": "true",  # allows the cheap hashes; the demo accounts do not exist where an accounts file is given
    "LOGIN_HASH_MEMORY_KIB": str(HASH_MEMORY_KIB),
    "LOGIN_RATE_PER_ACCOUNT": "100000",
    "LOGIN_RATE_PER_ADDRESS": "10000000",
    "LOG_LEVEL": "warning",
}
_ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class GroundPlan:
    """How many callers there are, how long their tokens live, which keys sign them, and how the stores are set up."""

    callers: int
    access_ttl_s: int = 7200
    algorithms: tuple[str, ...] = ("HS256",)
    store_arguments: tuple[str, ...] = ()
    name_padding_bytes: int = 0
    login_settings: Mapping[str, str] = field(default_factory=dict)


class Ground:
    """Start everything but the servers under test. Use it as a context manager; what was started ends with it."""

    def __init__(self, directory: Path, plan: GroundPlan, placement: Placement) -> None:
        self.directory = directory
        self.plan = plan
        self.placement = placement
        self.stores: dict[Side, RedisProcess] = {}
        self.store_urls: dict[Side, str] = {}
        """Where servers find the stores; a fault proxy puts itself in between by changing this before they start."""
        self.auth_servers: dict[str, ServerProcess] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def secret_file(self) -> Path:
        """The key set that resource servers share."""
        return self.directory / "secrets" / "audiences" / f"{AUDIENCE}.json"

    @property
    def accounts_file(self) -> Path:
        """Who may log in."""
        return self.directory / "accounts.toml"

    @property
    def log(self) -> Path:
        """What every server writes; warnings and worse, so that no log line is in a measurement."""
        return self.directory / "servers.log"

    def auth_url(self, algorithm: str = "HS256") -> str:
        """Where the auth server is that signs in this way."""
        return self.auth_servers[algorithm].url

    def server(self, name: str, module: str, environment: Mapping[str, str]) -> ServerProcess:
        """Start one of our servers; it ends with the ground if not before."""
        server = ServerProcess(name, module, environment, free_port(), output=self.log)
        self._stack.callback(server.kill)  # a drain would take a second for each
        return server.start()

    def place(self, servers: Sequence[ServerProcess]) -> None:
        """Wait until servers are ready, then keep them on the servers' core: starting there would be slow."""
        for server in servers:
            server.wait_ready()
            move(server.pid, self.placement.servers)

    def _start(self) -> None:
        self.directory.mkdir(parents=True)
        self._stack.callback(shutil.rmtree, self.directory, ignore_errors=True)
        write_accounts(self.accounts_file, self.plan.callers, padding_bytes=self.plan.name_padding_bytes)
        bootstrap = [
            "-m",
            "auth_server.bootstrap",
            "--secrets",
            str(self.directory / "secrets"),
            "--audience",
            AUDIENCE,
        ]
        subprocess.run([sys.executable, *bootstrap], check=True, cwd=_ROOT)
        for side in SIDES:
            with running_on(self.placement.others):
                store = RedisProcess.start(
                    self.directory / f"redis-{side}",
                    port=free_port(),
                    name=f"redis-{side}",
                    arguments=self.plan.store_arguments,
                )
            self._stack.callback(store.kill)
            self.stores[side] = store
            self.store_urls[side] = store.url

    def start_auth_servers(self) -> None:
        """Start one auth server for each way of signing; only the HS256 one has a store."""
        for algorithm in self.plan.algorithms:
            self.auth_servers[algorithm] = self._auth_server(algorithm)
        self.place([*self.auth_servers.values()])

    def _auth_server(self, algorithm: str) -> ServerProcess:
        secrets = self.directory / "secrets"
        settings = {
            **LOGIN_SETTINGS,
            "AUTH_ALGORITHM": algorithm,
            "AUTH_ACCESS_TTL_S": str(self.plan.access_ttl_s),
            "AUTH_ACCOUNTS_FILE": str(self.accounts_file),
        }
        if algorithm == "HS256":
            settings |= {
                "AUTH_MASTER_SECRET_FILE": str(secrets / "auth" / "master"),
                "AUTH_KEYS_DIR": str(secrets / "auth" / "keys"),
                "AUTH_AUDIENCE_KEYS_DIR": str(secrets / "audiences"),
                "AUTH_REDIS_URL": self.store_urls["auth"],
            }
        else:
            settings["AUTH_KEYS_DIR"] = str(secrets / f"keys-{algorithm.lower()}")
        return self.server(f"auth-{algorithm.lower()}", "auth_server", {**settings, **self.plan.login_settings})
