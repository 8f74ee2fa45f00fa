"""What is broken on purpose: through the fault proxies, which heal by themselves, and by emptying a store."""

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Literal

from core.redis_keys import PREFIX
from core.redis_link import RedisLink

HEALS_AFTER_S = 120.0
MAX_DELAY_MS = 500.0
Kind = Literal["off", "hung", "slow", "none"]
_COMMANDS: dict[Kind, str] = {"off": "refuse", "hung": "hang", "slow": "delay", "none": "heal"}
_KINDS: dict[str, Kind] = {"refuse": "off", "hang": "hung"}
_ANSWER_WITHIN_S = 1.0
_SAME_MOMENT_MS = 1500.0
_KEYS_PER_SCAN = 500


class NoSuchFault(Exception):
    """There is nothing of this name that could be broken; the message says so."""


class ProxyDown(Exception):
    """The fault proxy does not answer; the message names it."""


class Faults:
    """Commands the fault proxies and asks them what is wrong; nothing is remembered here but what they said."""

    def __init__(
        self, proxies: Mapping[str, tuple[str, int]], stores: Mapping[str, RedisLink], *, stores_are_ours: bool
    ) -> None:
        self._proxies = dict(proxies)
        self._stores = dict(stores)
        self._stores_are_ours = stores_are_ours
        self.active: list[dict[str, Any]] = []

    @property
    def targets(self) -> list[str]:
        """What can be broken."""
        return list(self._proxies)

    @property
    def can_be_emptied(self) -> list[str]:
        """The stores that can be emptied."""
        return list(self._stores)

    async def begin(self, target: str, kind: Kind, *, delay_ms: float = 0.0) -> None:
        """Begin a fault, or end those of a target; `delay_ms` is a round trip. Raises `NoSuchFault`, `ProxyDown`."""
        if target not in self._proxies:
            raise NoSuchFault(f"there is no fault proxy in front of {target}")
        command: dict[str, Any] = {"do": _COMMANDS[kind]}
        if kind == "slow":
            command |= {"to_server_ms": delay_ms / 2, "to_client_ms": delay_ms / 2}
        if kind != "none":
            command["for_s"] = HEALS_AFTER_S
        await self._tell(target, command)
        await self.look()

    async def heal_all(self) -> None:
        """End every fault."""
        for target in self._proxies:
            with suppress(ProxyDown):
                await self._tell(target, {"do": "heal"})
        await self.look()

    async def empty(self, target: str) -> None:
        """Let a store forget everything of this lab. Raises `NoSuchFault`, and `Unavailable` when it is not there."""
        if target not in self._stores:
            raise NoSuchFault(f"there is no store called {target}")
        link = self._stores[target]
        if self._stores_are_ours:
            await link.call(lambda client: client.flushall())
            return
        cursor = 0
        while True:
            cursor, names = await link.call(
                lambda client, at=cursor: client.scan(at, match=f"{PREFIX}*", count=_KEYS_PER_SCAN)  # type: ignore[misc] # bound here
            )
            if names:
                await link.call(lambda client, some=names: client.unlink(*some))  # type: ignore[misc] # bound here
            if not cursor:
                return

    async def look(self) -> bool:
        """Ask every proxy what is wrong now; tell whether that has changed."""
        states = await asyncio.gather(*(self._state(target) for target in self._proxies))
        found = [fault for state in states for fault in state]
        changed = not _same(found, self.active)
        if changed:
            self.active = found
        return changed

    async def _state(self, target: str) -> list[dict[str, Any]]:
        try:
            said = await self._tell(target, {"do": "status"})
        except ProxyDown:
            return []
        now_ms = time.time() * 1000
        found: list[dict[str, Any]] = []
        if said["fault"] in _KINDS:
            found.append(
                {"target": target, "kind": _KINDS[said["fault"]], "heals_at": _at(now_ms, said["fault_heals_in_s"])}
            )
        if delay_ms := said["to_server_ms"] + said["to_client_ms"]:
            heals_at = _at(now_ms, said["delay_heals_in_s"])
            found.append({"target": target, "kind": "slow", "delay_ms": delay_ms, "heals_at": heals_at})
        return found

    async def _tell(self, target: str, command: Mapping[str, Any]) -> dict[str, Any]:
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                reader, writer = await asyncio.open_connection(*self._proxies[target])
                try:
                    writer.write(json.dumps(command).encode() + b"\n")
                    said: dict[str, Any] = json.loads(await reader.readline())
                finally:
                    writer.close()
        except (OSError, TimeoutError, ValueError) as error:
            raise ProxyDown(f"the fault proxy in front of {target} does not answer") from error
        if not said.get("ok"):
            raise ProxyDown(f"the fault proxy in front of {target} says: {said.get('error')}")
        return said


def _at(now_ms: float, in_s: float | None) -> float | None:
    return None if in_s is None else round(now_ms + in_s * 1000)


def _same(some: list[dict[str, Any]], others: list[dict[str, Any]]) -> bool:
    """Compare but for the jitter of the moments at which faults heal."""
    return len(some) == len(others) and all(
        {**one, "heals_at": None} == {**other, "heals_at": None}
        and abs((one["heals_at"] or 0) - (other["heals_at"] or 0)) < _SAME_MOMENT_MS
        for one, other in zip(some, others, strict=True)
    )
