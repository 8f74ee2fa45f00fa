"""What a Redis did, from its own account: commands, CPU time, bytes, connections, memory."""

from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, cast

import redis

_OURS = frozenset({"info", "client|setinfo", "client|setname", "config|get", "hello", "select", "ping", "auth"})


@dataclass(frozen=True, slots=True)
class StoreUse:
    """What happened in a store, either so far or between two readings. Memory and connections are momentary."""

    commands: Counter[str] = field(default_factory=Counter)
    cpu_us: float = 0.0
    bytes_in: int = 0
    bytes_out: int = 0
    connections: int = 0
    memory_bytes: int = 0

    def since(self, before: "StoreUse") -> "StoreUse":
        """Return what happened between an earlier reading and this one."""
        return StoreUse(
            self.commands - before.commands,
            self.cpu_us - before.cpu_us,
            self.bytes_in - before.bytes_in,
            self.bytes_out - before.bytes_out,
            self.connections,
            self.memory_bytes,
        )

    def __add__(self, other: "StoreUse") -> "StoreUse":
        return StoreUse(
            self.commands + other.commands,
            self.cpu_us + other.cpu_us,
            self.bytes_in + other.bytes_in,
            self.bytes_out + other.bytes_out,
            self.connections + other.connections,
            self.memory_bytes + other.memory_bytes,
        )


class StoreAccount:
    """Read the account of one or several stores, as one. Reading costs the store some 50 µs, which counts."""

    def __init__(self, *urls: str) -> None:
        self._clients = [redis.Redis.from_url(url, socket_timeout=5) for url in urls]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients:
            client.close()

    def read(self) -> StoreUse:
        """Return the totals so far, without the commands that only a benchmark sends."""
        return sum((_read(client) for client in self._clients), StoreUse())

    def facts(self) -> dict[str, str]:
        """Return the version and the settings that move a measurement; nothing without a store."""
        if not self._clients:
            return {}
        version = str(self._clients[0].info("server")["redis_version"])
        names = ("maxmemory-policy", "appendonly", "save", "io-threads")
        settings = cast("dict[str, str]", self._clients[0].config_get(*names))
        return {"redis_version": version, **{f"redis_{name}": settings.get(name, "") for name in names}}


def _read(client: redis.Redis) -> StoreUse:
    info = client.info("everything")
    commands = Counter(
        {
            name: int(value["calls"])
            for key, value in info.items()
            if key.startswith("cmdstat_") and (name := key.removeprefix("cmdstat_").lower()) not in _OURS
        }
    )
    return StoreUse(
        commands=commands,
        cpu_us=(info["used_cpu_user"] + info["used_cpu_sys"]) * 1e6,
        bytes_in=int(info["total_net_input_bytes"]),
        bytes_out=int(info["total_net_output_bytes"]),
        connections=int(info["connected_clients"]) - 1,
        memory_bytes=int(info["used_memory"]),
    )
