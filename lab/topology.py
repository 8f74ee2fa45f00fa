"""Which servers the lab runs, on which ports, with which settings: the table of docs and README as data."""

from dataclasses import dataclass
from pathlib import Path

from lab.processes import LOOPBACK

AUDIENCE = "authlab-api"
PAGE_PORT = 8470
AUTH_PORT = 8471
OFFSET_VARIABLE = "AUTHLAB_PORT_OFFSET"
REDIS_AUTH = "redis-auth"
REDIS_SESSIONS = "redis-sessions"
ACCOUNTS_STAY = ("--maxmemory-policy", "noeviction")
"""redis-auth holds accounts and revocations: it must refuse to write rather than forget."""
ALGORITHMS = ("HS256", "Ed25519", "ES256", "RS256")
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


@dataclass(frozen=True, slots=True)
class Stores:
    """Where the two Redis servers are."""

    auth_url: str
    sessions_url: str


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

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://{LOOPBACK}:{self.port}"


def servers(choices: Choices, stores: Stores, secrets: Secrets) -> list[ServerPlan]:
    """Plan every server, the auth server first."""
    plan = _Planner(choices, stores, secrets)
    planned = [
        plan.auth(),
        *(plan.resource(f"resource-{number}", 8480 + number, "plain-jwt") for number in (1, 2, 3)),
        *(plan.session(f"session-{number}", 8490 + number, "redis-session", "session") for number in (1, 2)),
        *(plan.session(f"memory-{number}", 8492 + number, "memory-session", "memory") for number in (1, 2)),
        plan.resource("denylisted", 8484, "denylisted-jwt"),
        plan.resource("pushed", 8485, "pushed-jwt"),
        plan.resource("introspected", 8486, "introspected-token"),
        *(plan.session(f"tracked-{number}", 8494 + number, "tracked-session", "tracked") for number in (1, 2)),
    ]
    return [server for server in planned if choices.everything or not server.everything_only]


_ALWAYS = frozenset({"plain-jwt", "redis-session", "memory-session"})


class _Planner:
    def __init__(self, choices: Choices, stores: Stores, secrets: Secrets) -> None:
        self._choices = choices
        self._stores = stores
        self._secrets = secrets
        self._issuer = f"http://{LOOPBACK}:{AUTH_PORT + choices.port_offset}"
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
            environment["RESOURCE_SHARED_SECRET_FILE"] = str(self._secrets.audiences / f"{AUDIENCE}.json")
        else:
            environment["RESOURCE_JWKS_URL"] = f"{self._issuer}/.well-known/jwks.json"
        if strategy in {"denylisted-jwt", "pushed-jwt"}:
            environment["RESOURCE_REDIS_URL"] = self._stores.auth_url
        return self._server(name, "resource_server", port, strategy, environment)

    def session(self, name: str, port: int, strategy: str, cookie: str) -> ServerPlan:
        """Plan a session server; cookies ignore ports, so each store's cookie has a name of its own."""
        page = PAGE_PORT + self._choices.port_offset
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
