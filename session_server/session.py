"""A session: what the server remembers of a login. Its id is in the cookie alone; stores see the id's hash."""

import json
import math
import secrets
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from core.accounts import Account
from core.answers import encode_json
from core.subject import Subject

ISSUER = "authlab-session"
MAX_SESSIONS_PER_ACCOUNT = 100
"""The oldest one ends when another begins (ASVS 7.1.2)."""


@dataclass(frozen=True, slots=True)
class Session:
    """Who logged in, and when (Unix seconds). The handle names the session to its owner; it opens nothing."""

    subject: Subject
    handle: str
    user_agent: str

    @property
    def created_at(self) -> float:
        """When the login began."""
        return self.subject.issued_at


@dataclass(frozen=True, slots=True)
class SessionEntry:
    """A session as its owner sees it. Times are Unix seconds."""

    handle: str
    created_at: float
    last_used_at: float
    user_agent: str
    id_hash: str


def new_session_id() -> str:
    """Return 256 random bits as base64url."""
    return secrets.token_urlsafe(32)


def new_session(account: Account, *, began_at: float, user_agent: str) -> Session:
    """Return the session of a login that began at `began_at`."""
    issued_at = math.floor(began_at * 1000) / 1000  # rounded up it might claim to be younger than a cut-off
    subject = Subject(ISSUER, account.username, account.name, account.roles, account.scopes, issued_at)
    return Session(subject, secrets.token_urlsafe(12), user_agent)


def to_json(session: Session) -> str:
    """Write a session for the store."""
    subject = session.subject
    return encode_json(
        [subject.id, subject.name, subject.roles, subject.scopes, subject.issued_at, session.handle, session.user_agent]
    )


@lru_cache(maxsize=4096)
def from_json(text: bytes) -> Session:
    """Read what `to_json` wrote. The same bytes are parsed once: what was looked up is always what was asked for."""
    fields: list[Any] = json.loads(text)
    sub, name, roles, scopes, issued_at, handle, user_agent = fields
    return Session(Subject(ISSUER, sub, name, tuple(roles), tuple(scopes), issued_at), handle, user_agent)
