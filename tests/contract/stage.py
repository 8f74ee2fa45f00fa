"""Set every strategy up the same way: its servers, somebody logged in, and the ways to ask, to log out and to count."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import monotonic

from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from core.contract import Promise
from resource_server.strategies import STRATEGIES as RESOURCE_STRATEGIES
from session_server.strategies import STRATEGIES as SESSION_STRATEGIES
from tests.support.caller import Answer, set_cookie
from tests.support.environments import CLIENTS
from tests.support.servers import Server, Servers
from tests.support.stores import commands_so_far

ALL = (*RESOURCE_STRATEGIES, *SESSION_STRATEGIES)
STALE_S = 1.0
"""The bound given to strategies that serve for a bounded time without their store."""


def promise_of(strategy: str) -> Promise:
    """Return what a strategy claims about itself."""
    known: Mapping[str, type] = {**RESOURCE_STRATEGIES, **SESSION_STRATEGIES}
    promise: Promise = known[strategy].promise  # type: ignore[attr-defined] # every strategy has one; the type is erased here
    return promise


@dataclass
class Stage:
    """Two servers of one strategy, and one caller with a credential."""

    strategy: str
    servers: list[Server]
    ask: Callable[[Server], Awaitable[Answer]]
    log_out: Callable[[], Awaitable[Answer]]
    redis: Redis
    auth: Server | None

    async def lookups(self) -> float:
        """Return how many lookups there were so far: store commands, or introspection calls."""
        if self.strategy != "introspected-token":
            return sum((await commands_so_far(self.redis)).values())
        assert self.auth is not None
        metrics = (await self.auth.get("/metrics")).body.decode()
        return sum(
            sample.value
            for family in text_string_to_metric_families(metrics)
            for sample in family.samples
            if sample.name == "authlab_requests_total" and sample.labels["route"] == "/oauth/introspect"
        )

    async def seconds_until_refused(self, server: Server, at_most_s: float) -> float:
        """Ask until the credential is refused; return how long that took. Anything but 200 and 401 fails."""
        started = monotonic()
        while True:
            answer = await self.ask(server)
            assert answer.status in {200, 401}, answer
            if answer.status == 401 or monotonic() - started > at_most_s:
                return monotonic() - started


async def set_up(strategy: str, servers: Servers, redis_url: str, redis: Redis, **auth_settings: str) -> Stage:
    """Start what the strategy needs and log alice in."""
    if strategy in SESSION_STRATEGIES:
        return await _session_stage(strategy, servers, redis_url, redis)
    auth = await servers.auth(redis_url, **auth_settings)
    resource = {"RESOURCE_REDIS_URL": redis_url, "RESOURCE_FEED_MAX_STALE_S": str(STALE_S)}
    if strategy == "introspected-token":
        resource["RESOURCE_INTROSPECTION_URL"] = f"{auth.url}/oauth/introspect"
        resource["RESOURCE_CLIENT_ID"], resource["RESOURCE_CLIENT_SECRET"] = "demo-resource", CLIENTS["demo-resource"]
    both = [await servers.resource(strategy, **resource) for _ in range(2)]
    for server in both:
        await until_ready(server)
    token_format = "opaque" if strategy == "introspected-token" else "jwt"
    token = (await auth.login(token_format=token_format)).json["access_token"]

    async def ask(server: Server) -> Answer:
        return await server.get("/me", token=token)

    async def log_out() -> Answer:
        return await auth.post("/logout", token=token)

    return Stage(strategy, both, ask, log_out, redis, auth)


async def _session_stage(strategy: str, servers: Servers, redis_url: str, redis: Redis) -> Stage:
    url = "" if strategy == "memory-session" else redis_url
    both = [await servers.session(strategy, url, SESSION_MAX_STALE_S=str(STALE_S)) for _ in range(2)]
    login = await both[0].login()
    cookie, csrf = set_cookie(login), login.json["csrf_token"]

    async def ask(server: Server) -> Answer:
        return await server.get("/me", cookie=cookie)

    async def log_out() -> Answer:
        return await both[0].post("/logout", cookie=cookie, csrf=csrf)

    knowing = both[:1] if strategy == "memory-session" else both
    return Stage(strategy, knowing, ask, log_out, redis, None)


async def until_ready(server: Server, at_most_s: float = 5.0) -> None:
    """Wait until a server says that it is ready."""
    started = monotonic()
    while (await server.get("/readyz")).status != 200:
        assert monotonic() - started < at_most_s, "the server did not get ready"
