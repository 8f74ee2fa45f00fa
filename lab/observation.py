"""Ask the processes of a lab how they are; nothing is taken from the state file but where to ask."""

import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

from lab.readiness import is_ready
from lab.state import LabState, RedisState, ServerState

_ASK_WITHIN_S = 2.0
_REDIS_PORT = 6379


@dataclass(frozen=True, slots=True)
class Observation:
    """What answered, a moment ago."""

    servers: list[tuple[ServerState, bool]]
    redis: list[tuple[RedisState, bool]]

    @property
    def all_ready(self) -> bool:
        """Whether everything answers."""
        return all(ready for _, ready in [*self.servers, *self.redis])


def observe(state: LabState) -> Observation:
    """Ask every server and every Redis, all at once."""
    with ThreadPoolExecutor(max_workers=len(state.servers) + len(state.redis) or 1) as pool:
        servers = pool.map(lambda server: is_ready(server.url, timeout_s=_ASK_WITHIN_S), state.servers)
        redis = pool.map(lambda one: redis_answers(one.url), state.redis)
        return Observation(
            list(zip(state.servers, servers, strict=True)),
            list(zip(state.redis, redis, strict=True)),
        )


def redis_answers(url: str) -> bool:
    """Tell whether a Redis answers, be it only to ask for a password."""
    parts = urlsplit(url)
    try:
        port = parts.port or _REDIS_PORT
        with socket.create_connection((parts.hostname or "", port), timeout=_ASK_WITHIN_S) as connection:
            if parts.scheme != "redis":  # TLS or Sentinel: that it listens is all that can be said without more
                return True
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))
    except (OSError, ValueError):
        return False


def without_password(url: str) -> str:
    """Return a URL that can be shown."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    return parts._replace(netloc="***@" + parts.netloc.rpartition("@")[2]).geturl()
