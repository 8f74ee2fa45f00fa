"""Ask every server, every two seconds, whether it is ready; the page draws what answered."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any

from core.contract import Promise
from lab.gateway.exchanges import Errand, Exchanges
from lab.gateway.servers import AUTH, Server, Servers
from lab.gateway.wire import Connection, NoAnswer, Request, deadline
from lab.topology import PUBLIC_KEYS
from resource_server.strategies import STRATEGIES as RESOURCE_STRATEGIES
from session_server.strategies import STRATEGIES as SESSION_STRATEGIES

_ASK_WITHIN_S = 1.0
READY, NOT_READY, SILENT = "ready", "not ready", "silent"
_STORES = {
    AUTH: ["redis-auth"],
    "denylisted-jwt": ["redis-auth"],
    "pushed-jwt": ["redis-auth"],
    "introspected-token": [AUTH],
    "redis-session": ["redis-sessions"],
    "tracked-session": ["redis-sessions"],
}
"""What a strategy asks, or hears from, to know whether a credential is good. Logins read accounts in redis-auth."""


class Health:
    """What each server said when it was asked last."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._states = {server.name: SILENT for server in servers}
        self._met: set[str] = set()

    async def look(self) -> bool:
        """Ask everyone at once; tell whether anything has changed."""
        found = await asyncio.gather(*(_state(server) for server in self._servers))
        states = dict(zip((server.name for server in self._servers), found, strict=True))
        changed, self._states = states != self._states, states
        self._met |= {name for name, state in states.items() if state != SILENT}
        return changed

    def as_data(self) -> list[dict[str, Any]]:
        """Describe every server that has ever answered: one that was never started is not there to be drawn."""
        return [
            {
                "name": server.name,
                "group": server.group,
                "side": _side(server),
                "strategy": server.strategy,
                "url": server.public_url,
                "state": self._states[server.name],
                "asks": _STORES.get(server.strategy, []),
                "promise": _promise_data(server.strategy),
            }
            for server in self._servers
            if server.name in self._met
        ]


def _side(server: Server) -> str:
    if server.strategy.removesuffix(PUBLIC_KEYS) == AUTH:
        return AUTH
    return "session" if server.strategy in SESSION_STRATEGIES else "token"


def _promise_data(strategy: str) -> dict[str, Any] | None:
    name = strategy.removesuffix(PUBLIC_KEYS)
    found = RESOURCE_STRATEGIES.get(name) or SESSION_STRATEGIES.get(name)
    if found is None:
        return None
    promise: Promise = found.promise
    bound = promise.revoked_within
    return {
        "lookups": promise.lookups_per_request,
        "revoked_within_s": None if bound is None else bound.total_seconds(),
        "without_its_store": promise.without_its_store,
        "teaches": promise.teaches,
    }


async def _state(server: Server) -> str:
    question = Exchanges.with_host(Errand(server, Request("GET", "/readyz", []))).encoded()
    with suppress(NoAnswer):
        async with deadline(_ASK_WITHIN_S), await Connection.open(server.address) as connection:
            answer = await connection.exchange(question)
            return READY if answer.status == HTTPStatus.OK else NOT_READY
    return SILENT


@asynccontextmanager
async def in_background(*coroutines: Any) -> AsyncIterator[None]:
    """Run coroutines for as long as the block runs."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
