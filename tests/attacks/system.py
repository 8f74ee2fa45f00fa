"""The whole system as real processes, each started when a test first asks for it and stopped at the end."""

import json
import os
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lab.processes import RedisProcess, ServerProcess, free_port
from tests.attacks.forge import b64, unb64
from tests.attacks.wire import Answer, Headers, bearer, call, call_json

RESOURCE_STRATEGIES = ("plain-jwt", "denylisted-jwt", "pushed-jwt", "introspected-token")
SESSION_STRATEGIES = ("memory-session", "redis-session", "tracked-session")
DEMO = {"AUTHLAB_DEMO": "true", "LOGIN_HASH_MEMORY_KIB": "1024", "LOGIN_RATE_PER_ADDRESS": "1000000"}
"""Cheap hashes and no limit per address: what is not about passwords must not wait for them."""
DEMO_PASSWORDS = {name: f"{name}-demo-password" for name in ("alice", "bob", "carl", "dan", "fuzz", "root")}


@dataclass(frozen=True)
class Resource:
    """A resource server and how it was set up."""

    name: str
    strategy: str
    process: ServerProcess

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.process.port


@dataclass(frozen=True)
class Cookie:
    """A session as its browser holds it."""

    name: str
    value: str
    csrf: str

    @property
    def header(self) -> tuple[str, str]:
        """The header that carries the session."""
        return ("Cookie", f"{self.name}={self.value}")

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers of a request that changes something."""
        return [self.header, ("X-CSRF-Token", self.csrf)]


class System:
    """Servers by what they do. Everything is kept until `stop`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._auth: dict[str, ServerProcess] = {}
        self._resources: dict[str, Resource] = {}
        self._sessions: dict[str, ServerProcess] = {}
        self._extra: list[ServerProcess] = []
        self.accounts: set[str] = set()

    @cached_property
    def redis_auth(self) -> RedisProcess:
        """The store of the token side."""
        return RedisProcess.start(self.directory / "redis-auth", arguments=("--maxmemory-policy", "noeviction"))

    @cached_property
    def redis_sessions(self) -> RedisProcess:
        """The store of the session side."""
        return RedisProcess.start(self.directory / "redis-sessions", arguments=("--maxmemory-policy", "noeviction"))

    @cached_property
    def master(self) -> bytes:
        """The HS256 master, which only the auth server holds; and a test that forges as an insider."""
        return os.urandom(32)

    def log(self, name: str) -> str:
        """Return everything that a server wrote."""
        return (self.directory / f"{name}.log").read_text(encoding="utf-8", errors="replace")

    def log_with(self, name: str, text: str, *, after: int = 0) -> str:
        """Return what a server wrote after a position, once it holds a text; or whatever there is after 3 s."""
        deadline = time.monotonic() + 3
        while text not in (written := self.log(name)[after:]) and time.monotonic() < deadline:
            time.sleep(0.02)
        return written

    def logs(self) -> dict[str, str]:
        """Return everything that every server wrote. Lines are written on a thread of their own, a moment later."""
        time.sleep(0.2)
        return {path.stem: self.log(path.stem) for path in sorted(self.directory.glob("*.log"))}

    def start(self, name: str, module: str, settings: dict[str, str], port: int = 0) -> ServerProcess:
        """Start one more server; it is stopped with the others."""
        process = ServerProcess(
            name, module, DEMO | settings, port or free_port(), output=self.directory / f"{name}.log"
        ).start()
        self._extra.append(process)
        return process

    def auth_settings(self, name: str, port: int, algorithm: str = "HS256") -> dict[str, str]:
        """Return what an auth server needs; `name` keeps its keys apart."""
        keys = self.directory / name
        settings = {
            "AUTH_ALGORITHM": algorithm,
            "AUTH_ISSUER": f"http://127.0.0.1:{port}",
            "AUTH_AUDIENCES": "authlab-api,other-api",
            "AUTH_KEYS_DIR": str(keys / "keys"),
            "AUTH_AUDIENCE_KEYS_DIR": str(keys / "audiences"),
            "AUTH_JWKS_MAX_AGE_S": "2",
            "AUTH_REDIS_URL": self.redis_auth.url,
        }
        return settings | ({"AUTH_MASTER_SECRET": b64(self.master)} if algorithm == "HS256" else {})

    def auth(self, algorithm: str = "HS256") -> ServerProcess:
        """Return the auth server that signs with an algorithm."""
        if algorithm not in self._auth:
            name, port = f"auth-{algorithm}", free_port()
            self._auth[algorithm] = self.start(name, "auth_server", self.auth_settings(name, port, algorithm), port)
        self._auth[algorithm].wait_ready(60)
        return self._auth[algorithm]

    def resource_settings(self, strategy: str, algorithm: str = "HS256") -> dict[str, str]:
        """Return what a resource server needs."""
        auth = self.auth(algorithm)
        settings = {
            "RESOURCE_STRATEGY": strategy,
            "RESOURCE_ISSUER": auth.url,
            "RESOURCE_REDIS_URL": self.redis_auth.url,
            "RESOURCE_INTROSPECTION_URL": f"{auth.url}/oauth/introspect",
            "RESOURCE_CLIENT_ID": "demo-resource",
            "RESOURCE_CLIENT_SECRET": "demo-resource-secret",
        }
        if algorithm == "HS256":
            return settings | {"RESOURCE_SHARED_SECRET_FILE": str(self.audience_file())}
        return settings | {"RESOURCE_JWKS_URL": f"{auth.url}/.well-known/jwks.json"}

    def resource(self, strategy: str, algorithm: str = "HS256", *, cache: bool = True) -> Resource:
        """Return a resource server; it may still be starting."""
        name = f"{strategy}-{algorithm}{'' if cache else '-uncached'}"
        if name not in self._resources:
            settings = self.resource_settings(strategy, algorithm)
            settings |= {} if cache else {"RESOURCE_TOKEN_CACHE": "0"}
            self._resources[name] = Resource(name, strategy, self.start(name, "resource_server", settings))
        return self._resources[name]

    def resources(self, algorithm: str = "HS256") -> list[Resource]:
        """Return a ready server of each strategy; with HS256 also one without the token cache, where there is one."""
        servers = [self.resource(strategy, algorithm) for strategy in RESOURCE_STRATEGIES]
        if algorithm == "HS256":
            servers += [self.resource(strategy, algorithm, cache=False) for strategy in RESOURCE_STRATEGIES[:3]]
        return ready(servers)

    def session(self, strategy: str) -> ServerProcess:
        """Return a session server, ready."""
        if strategy not in self._sessions:
            self._sessions[strategy] = self.start(strategy, "session_server", self.session_settings(strategy))
        self._sessions[strategy].wait_ready(60)
        return self._sessions[strategy]

    def session_settings(self, strategy: str) -> dict[str, str]:
        """Return what a session server needs."""
        return {
            "SESSION_STRATEGY": strategy,
            "SESSION_REDIS_URL": self.redis_sessions.url,
            "SESSION_ACCOUNTS_REDIS_URL": self.redis_auth.url,
            "SESSION_COOKIE_SECURE": "false",
        }

    def audience_file(self, audience: str = "authlab-api") -> Path:
        """Return the key set that the auth server wrote for an audience's resource servers."""
        self.auth()
        return self.directory / "auth-HS256" / "audiences" / f"{audience}.json"

    def shared_key(self, audience: str = "authlab-api") -> tuple[str, bytes]:
        """Return `kid` and bytes of an audience's HS256 secret: what a break-in at a resource server yields."""
        (jwk,) = json.loads(self.audience_file(audience).read_text())["keys"]
        return jwk["kid"], unb64(jwk["k"])

    def public_jwk(self, algorithm: str) -> dict[str, str]:
        """Return the key that an auth server publishes."""
        (jwk,) = call(self.auth(algorithm).port, "GET", "/.well-known/jwks.json").json()["keys"]
        return dict(jwk)

    def log_in(self, username: str = "alice", algorithm: str = "HS256", **fields: Any) -> dict[str, Any]:
        """Log in on the token side and return the tokens."""
        credentials = {"username": username, "password": DEMO_PASSWORDS[username], **fields}
        answer = call_json(self.auth(algorithm).port, "POST", "/login", credentials)
        assert answer.status == 200, answer
        return dict(answer.json())

    def add_account(self, username: str, password: str, *, disabled: bool = False, port: int = 0) -> None:
        """Let an admin add an account, once, at the auth server on `port` if it is not the usual one."""
        if username in self.accounts:
            return
        self.accounts.add(username)
        port = port or self.auth().port
        admin = bearer(self.log_in("root")["access_token"])
        new = {"username": username, "name": username.title(), "password": password}
        assert 201 == call_json(port, "POST", "/admin/accounts", new, admin).status
        if disabled:
            assert 200 == call(port, "POST", f"/admin/accounts/{username}/disable", admin).status

    def log_in_by_cookie(self, strategy: str, username: str = "alice", headers: Headers = ()) -> Cookie:
        """Log in on the session side and return what the browser keeps."""
        credentials = {"username": username, "password": DEMO_PASSWORDS[username]}
        answer = call_json(self.session(strategy).port, "POST", "/login", credentials, tuple(headers))
        assert answer.status == 200, answer
        return cookie_of(answer)

    def stop(self) -> None:
        """End everything, as a crash would: how a server stops in order, which takes its time, is tested elsewhere."""
        for process in self._extra:
            process.kill()
        for name in ("redis_auth", "redis_sessions"):
            if name in self.__dict__:
                self.__dict__[name].stop()


def ready(servers: list[Resource]) -> list[Resource]:
    """Wait until all of them serve."""
    for server in servers:
        server.process.wait_ready(60)
    return servers


def cookie_of(answer: Answer) -> Cookie:
    """Take the session out of the answer to a login."""
    name, _, value = str(answer.header("Set-Cookie")).partition(";")[0].partition("=")
    return Cookie(name, value, answer.json()["csrf_token"])
