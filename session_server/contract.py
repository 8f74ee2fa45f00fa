"""What a session strategy does beyond verifying: it begins and ends sessions."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from core.contract import Verifier
from session_server.session import Session, SessionEntry
from session_server.settings import SessionSettings


class SessionStrategy(Verifier, Protocol):
    """One way to remember sessions. `verify` takes the session id; every other verb takes its hash."""

    @classmethod
    def open(cls, settings: SessionSettings) -> AbstractAsyncContextManager["SessionStrategy"]:
        """Open the store."""

    async def now(self) -> float:
        """Return the moment from which a login counts as begun, on the store's clock (Unix seconds)."""

    async def create(self, id_hash: str, session: Session, *, replaces: str | None) -> bool:
        """Remember a session and forget the one it replaces; False when the account's cut-off came after it began."""

    async def end(self, sub: str, id_hash: str) -> None:
        """Forget one session, before anything is answered."""

    async def end_all(self, sub: str) -> None:
        """Forget every session of an account so far, also one that is being created now."""

    async def all_of(self, sub: str) -> list[SessionEntry]:
        """Return the account's live sessions, the one used last first."""
