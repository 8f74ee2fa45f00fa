"""Look into a Redis, and count what it was asked."""

from collections.abc import Mapping
from typing import Any

from redis.asyncio import Redis


async def commands_so_far(client: Redis) -> dict[str, int]:
    """Return how often each command was called since the server started or its statistics were reset."""
    stats: Mapping[str, Any] = await client.info("commandstats")
    return {name.removeprefix("cmdstat_"): int(values["calls"]) for name, values in stats.items()}


async def commands_during(client: Redis, before: Mapping[str, int]) -> dict[str, int]:
    """Return how often each command was called since `before`, without our own looking."""
    after = await commands_so_far(client)
    grown = {name: calls - before.get(name, 0) for name, calls in after.items()}
    return {name: calls for name, calls in grown.items() if calls and name != "info"}


async def dump(client: Redis) -> str:
    """Return every name and every value that a Redis holds, as one text."""
    held: list[str] = []
    async for name in client.scan_iter(count=1000):
        kind = str(await client.type(name)).strip("b'")
        value: Any
        match kind:
            case "string":
                value = await client.get(name)
            case "hash":
                value = await client.hgetall(name)
            case "zset":
                value = await client.zrange(name, 0, -1, withscores=True)
            case "set":
                value = await client.smembers(name)
            case "stream":
                value = await client.xrange(name)
            case _:
                raise AssertionError(f"a kind of value that no server of ours writes: {kind}")
        held.append(f"{name!r} {value!r}")
    return "\n".join(held)
