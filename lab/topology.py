"""Which servers the lab runs, on which ports, with which settings: the table of docs and README as data."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lab.processes import LOOPBACK

AUDIENCE = "authlab-api"
PAGE = "page"
PAGE_PORT = 8470
PAGE_PORT_VARIABLE = "AUTHLAB_PORT"
AUTH_PORT = 8471
AUTH_PUBLIC_PORT = 8472
OFFSET_VARIABLE = "AUTHLAB_PORT_OFFSET"
REDIS_AUTH = "redis-auth"
REDIS_SESSIONS = "redis-sessions"
AUTH = "auth"
FEED = "feed"
"""The way on which `pushed-jwt` servers hear of revocations, which can be cut by itself."""
ACCOUNTS_STAY = ("--maxmemory-policy", "noeviction")
"""redis-auth holds accounts and revocations: it must refuse to write rather than forget."""
ALGORITHMS = ("HS256", "Ed25519", "ES256", "RS256")
PUBLIC_KEYS = "-ed25519"
"""Behind the strategy of the servers that lesson 11 compares with a shared secret."""
RESULT_DIRECTORIES = tuple(Path(__file__).resolve().parents[1] / "bench" / name for name in ("results", "out"))
"""Where benchmark results lie: the published ones, and those that were made here."""
_JWKS_MAX_AGE_S = 5
"""Short, so that a learner who rotates a public key need not wait for minutes."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What a user may choose when starting the lab."""

    everything: bool = False
    """Also the servers of the further strategies."""
    port_offset: int = 0
    """Added to every port, so that a second lab can run beside the first."""
    algorithm: str = "HS256"
    access_ttl_s: int = 300
    log_level: str = "info"
    page_port: int = PAGE_PORT

    @property
    def page(self) -> int:
        """The port of the page."""
        return self.page_port + self.port_offset


@dataclass(frozen=True, slots=True)
class Stores:
    """Where the two Redis servers are."""

    auth_url: str
    sessions_url: str
    feed_url: str = ""
    """redis-auth on the way that can be cut by itself, where there is one."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """Where the secrets of this lab lie; each server is told of those that it needs."""

    directory: Path

    @property
    def master(self) -> Path:
        """The auth server's alone."""
        return self.directory / "auth" / "master"

    @property
    def keys(self) -> Path:
        """Rotated keys, the auth server's alone."""
        return self.directory / "auth" / "keys"

    @property
    def audiences(self) -> Path:
        """The key set of each audience, for its resource servers."""
        return self.directory / "audiences"

    @property
    def shared_secret(self) -> Path:
        """What every resource server verifies with, and lesson 11 leaks."""
        return self.audiences / f"{AUDIENCE}.json"

    @property
    def public_keys(self) -> Path:
        """The private keys of the auth server whose verifiers hold public keys only."""
        return self.directory / "auth-public"

    @property
    def lab(self) -> Path:
        """What the lab's page shows to be told which check refused."""
        return self.directory / "lab"


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """One server to run."""

    name: str
    module: str
    port: int
    strategy: str | None
    environment: dict[str, str]
    everything_only: bool = False
    own_port: int | None = None
    """Where the server itself listens, when a fault proxy stands at `port`."""

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://{LOOPBACK}:{self.port}"


@dataclass(frozen=True, slots=True)
class Sight:
    """What the page's gateway sees of the system beside its servers."""

    redis_auth_url: str = ""
    redis_sessions_url: str = ""
    stores_are_ours: bool = False
    fault_proxies: Mapping[str, int] = field(default_factory=dict)
    """The control port of each fault proxy, by what stands behind it."""
    supervisor_socket: Path | None = None


def servers(
    choices: Choices, stores: Stores, secrets: Secrets, sight: Sight | None = None, *, auth_port: int | None = None
) -> list[ServerPlan]:
    """Plan every server, the auth server first and the page last. `auth_port` is where it listens behind a proxy."""
    plan = _Planner(choices, stores, secrets)
    planned = [
        replace(plan.auth(), own_port=auth_port),
        *(plan.resource(f"resource-{number}", 8480 + number, "plain-jwt") for number in (1, 2, 3)),
        *(plan.session(f"session-{number}", 8490 + number, "redis-session", "session") for number in (1, 2)),
        *(plan.session(f"memory-{number}", 8492 + number, "memory-session", "memory") for number in (1, 2)),
        plan.resource("denylisted", 8484, "denylisted-jwt"),
        plan.resource("pushed", 8485, "pushed-jwt"),
        plan.resource("introspected", 8486, "introspected-token"),
        *(plan.session(f"tracked-{number}", 8494 + number, "tracked-session", "tracked") for number in (1, 2)),
        plan.auth_public(),
        plan.public(),
    ]
    chosen = [server for server in planned if choices.everything or not server.everything_only]
    return [*chosen, plan.gateway(chosen, sight or Sight())]


_ALWAYS = frozenset({PAGE, "plain-jwt", "redis-session", "memory-session"})


class _Planner:
    def __init__(self, choices: Choices, stores: Stores, secrets: Secrets) -> None:
        self._choices = choices
        self._stores = stores
        self._secrets = secrets
        self._issuer = f"http://{LOOPBACK}:{AUTH_PORT + choices.port_offset}"
        self._public_issuer = f"http://{LOOPBACK}:{AUTH_PUBLIC_PORT + choices.port_offset}"
        self._shared = {
            "AUTHLAB_DEMO": "true",
            "LAB_SECRET_FILE": str(secrets.lab),
            "LOG_FORMAT": "console",
            "LOG_LEVEL": choices.log_level,
            "SERVER_TIMING": "true",
        }

    def auth(self) -> ServerPlan:
        """Plan the auth server."""
        environment = {
            "AUTH_ISSUER": self._issuer,
            "AUTH_AUDIENCES": AUDIENCE,
            "AUTH_ALGORITHM": self._choices.algorithm,
            "AUTH_ACCESS_TTL_S": str(self._choices.access_ttl_s),
            "AUTH_JWKS_MAX_AGE_S": str(_JWKS_MAX_AGE_S),
            "AUTH_MASTER_SECRET_FILE": str(self._secrets.master),
            "AUTH_KEYS_DIR": str(self._secrets.keys),
            "AUTH_AUDIENCE_KEYS_DIR": str(self._secrets.audiences),
            "AUTH_REDIS_URL": self._stores.auth_url,
        }
        return self._server("auth", "auth_server", AUTH_PORT, None, environment)

    def resource(self, name: str, port: int, strategy: str) -> ServerPlan:
        """Plan a resource server, which is told what its strategy needs and nothing else."""
        environment = {
            "RESOURCE_STRATEGY": strategy,
            "RESOURCE_ISSUER": self._issuer,
            "RESOURCE_AUDIENCE": AUDIENCE,
        }
        if strategy == "introspected-token":
            environment |= {
                "RESOURCE_INTROSPECTION_URL": f"{self._issuer}/oauth/introspect",
                "RESOURCE_CLIENT_ID": "demo-resource",
                "RESOURCE_CLIENT_SECRET": "demo-resource-secret",
            }
        elif self._choices.algorithm == "HS256":
            environment["RESOURCE_SHARED_SECRET_FILE"] = str(self._secrets.shared_secret)
        else:
            environment["RESOURCE_JWKS_URL"] = f"{self._issuer}/.well-known/jwks.json"
        if strategy == "denylisted-jwt":
            environment["RESOURCE_REDIS_URL"] = self._stores.auth_url
        if strategy == "pushed-jwt":
            environment["RESOURCE_REDIS_URL"] = self._stores.feed_url or self._stores.auth_url
        return self._server(name, "resource_server", port, strategy, environment)

    def session(self, name: str, port: int, strategy: str, cookie: str) -> ServerPlan:
        """Plan a session server; cookies ignore ports, so each store's cookie has a name of its own."""
        page = self._choices.page
        environment = {
            "SESSION_STRATEGY": strategy,
            "SESSION_ACCOUNTS_REDIS_URL": self._stores.auth_url,
            "SESSION_COOKIE_NAME": cookie,
            "SESSION_COOKIE_SECURE": "false",
            "SESSION_ALLOWED_ORIGINS": f"http://{LOOPBACK}:{page},http://localhost:{page}",
        }
        if strategy != "memory-session":
            environment["SESSION_REDIS_URL"] = self._stores.sessions_url
        return self._server(name, "session_server", port, strategy, environment)

    def auth_public(self) -> ServerPlan:
        """Plan an auth server that signs with a private key and keeps nothing, whatever the algorithm of the others."""
        environment = {
            "AUTH_ISSUER": self._public_issuer,
            "AUTH_AUDIENCES": AUDIENCE,
            "AUTH_ALGORITHM": "Ed25519",
            "AUTH_JWKS_MAX_AGE_S": str(_JWKS_MAX_AGE_S),
            "AUTH_KEYS_DIR": str(self._secrets.public_keys),
        }
        return self._server("auth-public", "auth_server", AUTH_PUBLIC_PORT, AUTH + PUBLIC_KEYS, environment)

    def public(self) -> ServerPlan:
        """Plan the resource server that holds its public keys."""
        environment = {
            "RESOURCE_STRATEGY": "plain-jwt",
            "RESOURCE_ISSUER": self._public_issuer,
            "RESOURCE_AUDIENCE": AUDIENCE,
            "RESOURCE_JWKS_URL": f"{self._public_issuer}/.well-known/jwks.json",
        }
        return self._server("public", "resource_server", 8487, "plain-jwt" + PUBLIC_KEYS, environment)

    def gateway(self, others: Sequence[ServerPlan], sight: Sight) -> ServerPlan:
        """Plan the page's gateway, which forwards to the others and breaks things on purpose."""
        proxies = [f"{target}={LOOPBACK}:{port}" for target, port in sight.fault_proxies.items()]
        environment = {
            "GATEWAY_SERVERS": "\n".join(f"{one.name} {one.strategy or AUTH} {one.url}" for one in others),
            "GATEWAY_REDIS_AUTH_URL": sight.redis_auth_url,
            "GATEWAY_REDIS_SESSIONS_URL": sight.redis_sessions_url,
            "GATEWAY_STORES_ARE_OURS": str(sight.stores_are_ours).lower(),
            "GATEWAY_FAULT_PROXIES": " ".join(proxies),
            "GATEWAY_SUPERVISOR_SOCKET": str(sight.supervisor_socket or ""),
            "GATEWAY_RESULTS_DIRS": os.pathsep.join(map(str, RESULT_DIRECTORIES)),
        }
        if self._choices.algorithm == "HS256":
            environment["GATEWAY_LEAK_FILE"] = str(self._secrets.shared_secret)
        page = self._choices.page - self._choices.port_offset
        return self._server("gateway", "lab.gateway", page, PAGE, environment)

    def _server(
        self, name: str, module: str, port: int, strategy: str | None, environment: dict[str, str]
    ) -> ServerPlan:
        return ServerPlan(
            name,
            module,
            port + self._choices.port_offset,
            strategy,
            self._shared | environment,
            everything_only=strategy is not None and strategy not in _ALWAYS,
        )
