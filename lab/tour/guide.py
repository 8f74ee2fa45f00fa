"""What every lesson has at hand: the places, the demo accounts, the stores' counters, and the narrator."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from core.accounts import DEMO_PASSWORDS
from lab.clients import Credential, SessionLogin, TokenLogin, call, session_login, token_login
from lab.fault_proxy_client import FaultControl
from lab.places import NotRunning, Places, Server
from lab.store_commands import StoreCommands
from lab.tour.lag import Lag
from lab.tour.narrator import Narrator
from lab.wire import Exchange

CHECKS_HEADER = "Authlab-Checks"
_BOTH = 2
_AGAIN_S = 0.1


class Guide:
    """One walk through the lessons."""

    def __init__(self, places: Places, narrator: Narrator) -> None:
        self.places = places
        self.tell = narrator
        self.lags: dict[str, Lag] = {}
        urls = [url for url in (places.redis_auth, places.redis_sessions) if url]
        self._stores = StoreCommands(urls) if len(urls) == _BOTH else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stores is not None:
            self._stores.__exit__(kind, error, trace)

    @property
    def auth(self) -> Server:
        """The auth server."""
        if self.places.auth is None:
            raise NotRunning
        return self.places.auth

    @property
    def resources(self) -> list[Server]:
        """The plain-jwt servers."""
        return self.places.at("plain-jwt")

    @property
    def sessions(self) -> list[Server]:
        """The redis-session servers."""
        return self.places.at("redis-session")

    @property
    def memories(self) -> list[Server]:
        """The memory-session servers."""
        return self.places.at("memory-session")

    def token(self, username: str = "alice", **more: str) -> TokenLogin:
        """Log a demo account in on the token side."""
        return token_login(self.auth.url, username, DEMO_PASSWORDS[username], **more)

    def session(self, server: Server, username: str = "alice") -> SessionLogin:
        """Log a demo account in at a session server."""
        return session_login(server.url, username, DEMO_PASSWORDS[username])

    def ask(
        self,
        server: Server,
        credential: Credential | None,
        path: str = "/me",
        *,
        method: str = "GET",
        value: Any = None,
        and_why: bool = False,
    ) -> Exchange:
        """Ask a server. With `and_why` and where the lab's secret is known, the answer says which check decided."""
        secret = self.places.lab_secret if and_why else None
        return call(
            credential, method, server.url + path, value, headers={"Authlab-Secret": secret} if secret else None
        )

    def store_commands(self, act: Callable[[], object]) -> dict[str, int] | None:
        """Count what both stores execute while `act` runs, by command; None when they are out of reach."""
        return None if self._stores is None else self._stores.during(act)

    @contextmanager
    def breaking(self, *targets: str) -> Iterator[tuple[FaultControl, ...]]:
        """Give the fault proxies before some targets; whatever was broken is healed, however the block ends."""
        proxies = tuple(
            FaultControl(port, host=host) for host, port in map(self.places.fault_proxies.__getitem__, targets)
        )
        try:
            yield proxies
        finally:
            for proxy in proxies:
                proxy.heal()

    def eventually(self, ask: Callable[[], int], wanted: int, *, within_s: float) -> int:
        """Ask until the answer is the wanted one or it takes too long; return the last answer."""
        deadline_s = time.monotonic() + within_s
        while (got := ask()) != wanted and time.monotonic() < deadline_s:
            time.sleep(_AGAIN_S)
        return got

    def wait(self, seconds: float, why: str) -> None:
        """Let time pass that is not ours to move."""
        if seconds > 0:
            self.tell.say(f"Waiting {seconds:.0f} s: {why}")
            time.sleep(seconds)
