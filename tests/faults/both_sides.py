"""The whole system on its two stores, each store behind a fault proxy, and the load that the faults of a store meet."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis

from lab.fault_proxy_client import FaultProxy
from lab.processes import RedisProcess, ServerProcess
from tests.faults.experiment import Guarded
from tests.faults.house import House, introspection_of
from tests.faults.lines import REFUSES, UNAFFECTED, logins, logouts, reads, refreshes
from tests.faults.people import Credential, log_in_all

FEED_STALE_S = 5.0
TRACKING_STALE_S = 2.0
_LOGGED_OUT, _REFRESHED = 10, 10


class BothSides:
    """A server of every strategy that has a store, and one that has none."""

    def __init__(self, house: House) -> None:
        self.token_store, self.session_store = house.redis("redis-auth"), house.redis("redis-sessions")
        self.token_proxy, self.session_proxy = (house.proxy(store.port) for store in self.stores)
        token_url, session_url = (f"redis://127.0.0.1:{proxy.port}/0" for proxy in self.proxies)
        feed, accounts = {"RESOURCE_REDIS_URL": token_url}, {"SESSION_ACCOUNTS_REDIS_URL": token_url}
        self.auth = house.auth(token_url)
        self.plain = house.resource("plain-jwt")
        self.denylisted, self.pushed = house.resource("denylisted-jwt", **feed), house.resource("pushed-jwt", **feed)
        self.introspected = house.resource("introspected-token", **introspection_of(self.auth))
        self.redis_session = house.session("redis-session", session_url, **accounts)
        self.tracked = house.session("tracked-session", session_url, **accounts)
        house.ready()

    @property
    def stores(self) -> tuple[RedisProcess, RedisProcess]:
        """The store of the tokens and that of the sessions."""
        return self.token_store, self.session_store

    @property
    def proxies(self) -> tuple[FaultProxy, FaultProxy]:
        """What stands in front of them, in the same order."""
        return self.token_proxy, self.session_proxy

    @property
    def servers(self) -> list[ServerProcess]:
        """All of ours."""
        return [
            self.auth, self.plain, self.denylisted, self.pushed, self.introspected, self.redis_session, self.tracked
        ]  # fmt: skip

    def people(self, each: int = 15) -> tuple[list[Credential], list[Credential]]:
        """Log alice and bob in, each so often on either side."""
        return log_in_all(self.auth, each), log_in_all(self.redis_session, each)

    def lines(
        self, *, reads_may: frozenset[str] = REFUSES, writes_may: frozenset[str] = REFUSES, each: int = 15
    ) -> list[Guarded]:
        """Return a load on everything, from people who have just logged in; its logouts end some of the readers."""
        tokens, cookies = self.people(each)
        return [
            *self.readers(tokens, cookies, reads_may),
            refreshes("refresh", self.auth, tokens[-_REFRESHED:], 8, may_fail=writes_may),
            logouts("token logout", self.auth, tokens[:_LOGGED_OUT], 2, may_fail=writes_may),
            logouts("session logout", self.redis_session, cookies[:_LOGGED_OUT], 2, may_fail=writes_may),
            logins("token login", self.auth, "root", 3, may_fail=writes_may),
            logins("session login", self.redis_session, "root", 3, may_fail=writes_may),
        ]

    def readers(self, tokens: list[Credential], cookies: list[Credential], may: frozenset[str]) -> list[Guarded]:
        """Return reads by every strategy. The one without a store may never fail."""
        return [
            reads("plain-jwt", self.plain, tokens, 20, may_fail=UNAFFECTED, stale_s=None),
            reads("denylisted-jwt", self.denylisted, tokens, 20, may_fail=may),
            reads("pushed-jwt", self.pushed, tokens, 20, may_fail=may, stale_s=FEED_STALE_S),
            reads("introspected-token", self.introspected, tokens, 20, may_fail=may),
            reads("redis-session", self.redis_session, cookies, 20, may_fail=may),
            reads("tracked-session", self.tracked, cookies, 20, may_fail=may, stale_s=TRACKING_STALE_S),
        ]


@contextmanager
def administering(stores: tuple[RedisProcess, ...]) -> Iterator[list[Redis]]:
    """Hold a connection of an administrator to each store, past any proxy; it is open before anything breaks."""
    clients = [Redis(port=store.port, socket_timeout=10) for store in stores]
    try:
        for client in clients:
            client.ping()
        yield clients
    finally:
        for client in clients:
            client.close()
