"""One lab session per browser, so that learners do not see or disturb one another."""

import hmac
import secrets
import time
from collections.abc import Iterator
from typing import Any

from lab.gateway.event_log import EventLog
from lab.gateway.servers import Dealer, Servers

MAX_LEARNERS = 64
_SLUG_CHARS = 6


class Learner:
    """One browser."""

    def __init__(self, name: str, page_token: str, servers: Servers) -> None:
        self.name = name
        """The value of the lab's cookie."""
        self.page_token = page_token
        """What the page sends to prove that it is the page."""
        self.slug = hmac.digest(name.encode(), b"slug", "sha256").hex()[:_SLUG_CHARS]
        """Names what belongs to this learner where others see it, such as an account; tells nothing of the cookie."""
        self.log = EventLog()
        self.dealer = Dealer(servers)
        self.seen_s = time.monotonic()


class Learners:
    """All browsers seen lately."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._key = secrets.token_bytes(32)
        self._by_name: dict[str, Learner] = {}
        self.epoch = secrets.token_hex(4)
        """Changes when the gateway starts anew; numbers of events mean nothing across it."""

    def __iter__(self) -> Iterator[Learner]:
        return iter(list(self._by_name.values()))

    def find(self, name: str | None) -> Learner | None:
        """Return the learner of a cookie's value."""
        learner = self._by_name.get(name or "")
        if learner is not None:
            learner.seen_s = time.monotonic()
        return learner

    def welcome(self, name: str | None) -> Learner:
        """Return the learner of a cookie's value, or a new one."""
        learner = self.find(name)
        if learner is None:
            name = secrets.token_urlsafe(24)
            page_token = hmac.digest(self._key, name.encode(), "sha256").hex()
            learner = self._by_name[name] = Learner(name, page_token, self._servers)
            self._make_room()
        return learner

    def tell_all(self, kind: str, data: dict[str, Any]) -> None:
        """Add an event to every learner's log."""
        for learner in self:
            learner.log.add(kind, data)

    def _make_room(self) -> None:
        leaving = sorted((one for one in self if not one.log.readers), key=lambda one: one.seen_s)
        for learner in leaving[: max(0, len(self._by_name) - MAX_LEARNERS)]:
            del self._by_name[learner.name]
