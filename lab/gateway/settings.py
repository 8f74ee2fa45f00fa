"""What the gateway is told."""

import os
from pathlib import Path

from pydantic import Field

from core.settings import ServerSettings, SettingsError
from lab.gateway.servers import NotAServerLine, Server, server_of

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


class GatewaySettings(ServerSettings):
    """Settings of the gateway. What it is not told of it does not offer."""

    port: int = Field(default=8470, ge=0, le=65535)
    authlab_port: int | None = Field(default=None, ge=1, le=65535)
    """The port that browsers see, where a container or a proxy publishes another one."""
    gateway_servers: str = ""
    """One server a line: name, strategy (`auth` for the auth server), URL, and the URL for curl lines if it differs."""
    gateway_redis_auth_url: str = ""
    gateway_redis_sessions_url: str = ""
    gateway_stores_are_ours: bool = False
    """Whether emptying a store may flush it whole; else only this lab's own keys are removed."""
    gateway_fault_proxies: str = ""
    """`redis-auth=HOST:PORT redis-sessions=HOST:PORT auth=HOST:PORT`: the control ports of the fault proxies."""
    gateway_leak_file: Path | None = None
    """The key set of the resource servers, which lesson 11 leaks."""
    gateway_supervisor_socket: Path | None = None
    """Where a supervisor takes requests to restart a server; without one the page shows the line to copy."""
    gateway_results_dirs: str = ""
    """Where benchmark results lie, written as a PATH."""

    def check(self) -> None:
        """Refuse what cannot be read, and a lab that is not a demo: it shows credentials."""
        super().check()
        if not self.authlab_demo:
            raise SettingsError("AUTHLAB_DEMO must be true: the lab shows credentials and breaks things on purpose")
        self.servers()
        self.fault_proxies()

    def servers(self) -> list[Server]:
        """Return the servers to forward to. Raises `SettingsError`."""
        try:
            return [server_of(line) for line in self.gateway_servers.splitlines() if line.strip()]
        except NotAServerLine as error:
            raise SettingsError(f"GATEWAY_SERVERS: {error}") from None

    def fault_proxies(self) -> dict[str, tuple[str, int]]:
        """Return the control address of each fault proxy. Raises `SettingsError`."""
        proxies = {}
        for entry in self.gateway_fault_proxies.split():
            target, _, address = entry.partition("=")
            host, _, port = address.rpartition(":")
            if not (target and host and port.isdecimal()):
                raise SettingsError(f"GATEWAY_FAULT_PROXIES: {entry} is not TARGET=HOST:PORT")
            proxies[target] = (host, int(port))
        return proxies

    def stores(self) -> dict[str, str]:
        """Return the URL of each store that is known, past any fault proxy."""
        urls = {"redis-auth": self.gateway_redis_auth_url, "redis-sessions": self.gateway_redis_sessions_url}
        return {name: url for name, url in urls.items() if url}

    def result_directories(self) -> list[Path]:
        """Return where to look for benchmark results."""
        return [Path(directory) for directory in self.gateway_results_dirs.split(os.pathsep) if directory]

    def hosts(self) -> frozenset[str]:
        """Return the values of `Host` that are us; whoever names another one was tricked by a DNS answer."""
        ports = {self.port, self.authlab_port or self.port}
        return frozenset(f"{name}:{port}" for name in LOOPBACK_NAMES for port in ports)
