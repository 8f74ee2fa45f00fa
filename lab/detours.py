"""The fault proxies of a lab, in front of each Redis and of the auth server, so that the way there can be broken."""

from contextlib import ExitStack
from urllib.parse import urlsplit

from lab.fault_proxy_client import FaultProxy

_REDIS_PORT = 6379


class Detours:
    """Proxies by what stands behind them; each is a process of its own."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._proxies: dict[str, FaultProxy] = {}

    @property
    def control_ports(self) -> dict[str, int]:
        """Where each takes commands."""
        return {target: proxy.control_port for target, proxy in self._proxies.items()}

    def around(self, target: str, url: str) -> str:
        """Return a URL of the same Redis that leads through a proxy; the same URL for TLS, a socket or Sentinel."""
        parts = urlsplit(url)
        if parts.scheme != "redis" or not parts.hostname:
            return url
        proxy = self._start(target, FaultProxy(parts.port or _REDIS_PORT, target_host=parts.hostname))
        credentials = parts.netloc.rpartition("@")[0]
        netloc = f"{credentials}@127.0.0.1:{proxy.port}" if credentials else f"127.0.0.1:{proxy.port}"
        return parts._replace(netloc=netloc).geturl()

    def at(self, target: str, port: int, server_port: int) -> None:
        """Put a proxy at a port that clients know, in front of a server at another."""
        self._start(target, FaultProxy(server_port, port=port))

    def stop(self) -> None:
        """End all of them. Stopping twice is fine."""
        self._stack.close()

    def _start(self, target: str, proxy: FaultProxy) -> FaultProxy:
        self._proxies[target] = self._stack.enter_context(proxy)
        return proxy
