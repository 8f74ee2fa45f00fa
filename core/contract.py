"""What a strategy is: one way to turn a credential into a subject, and what it promises about itself."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Literal, Protocol

from core.subject import Subject

WithoutStore = Literal["unaffected", "refuses", "serves for a bounded time"]


@dataclass(frozen=True, slots=True)
class Promise:
    """What a strategy claims about itself, as data that the contract tests hold it to."""

    lookups_per_request: float
    """Slope of store commands, or calls to another server, over requests: one in flight, one credential."""
    revoked_within: timedelta | None
    """From the answer to a logout until no server accepts the credential. None: not before it expires."""
    without_its_store: WithoutStore
    teaches: str
    """What a learner sees here, in one line."""


class Verifier(Protocol):
    """One strategy at work inside one server.

    `verify` is called for every guarded request, concurrently; it must not block the event loop.
    """

    promise: ClassVar[Promise]

    @property
    def checks(self) -> tuple[str, ...]:
        """The checks in the order in which they decide; a `Rejected.reason` is one of them."""

    async def verify(self, credential: str) -> Subject:
        """Return who is asking; raise `Rejected` (401), or `Unavailable` (503) when that cannot be decided."""

    def not_ready(self) -> str | None:
        """Say why this server should get no traffic now; None when it should."""
