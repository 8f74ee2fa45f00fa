"""The credentials that `authlab login` got: one for each side, in one file that only its owner can read."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from lab.clients import Credential, SessionLogin, TokenLogin
from lab.state import LabDirectory

SIDES = {
    "token": None,
    "session": "redis-session",
    "memory": "memory-session",
    "tracked": "tracked-session",
}
"""Each side by the strategy of the servers where one logs in; tokens come from the auth server."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One credential, who it is for, and the server that gave it."""

    username: str
    issuer_url: str
    credential: Credential


def side_of(strategy: str | None) -> str:
    """Return which credential a server of a strategy takes; the auth server takes tokens."""
    return next((side for side, one in SIDES.items() if one is not None and one == strategy), "token")


class Keychain:
    """What is kept between two commands."""

    def __init__(self, directory: LabDirectory) -> None:
        self._directory = directory

    def find(self, side: str) -> Kept | None:
        """Return the credential of one side, None without one."""
        entry = self._read().get(side)
        if entry is None:
            return None
        kind = SessionLogin if "cookie" in entry["credential"] else TokenLogin
        return Kept(entry["username"], entry["issuer_url"], kind(**entry["credential"]))

    def keep(self, side: str, kept: Kept) -> None:
        """Keep a credential instead of the one before."""
        self._write({**self._read(), side: asdict(kept)})

    def forget(self, side: str) -> None:
        """Drop the credential of one side."""
        entries = self._read()
        entries.pop(side, None)
        self._write(entries)

    def _read(self) -> dict[str, Any]:
        with suppress(OSError, ValueError):
            entries = json.loads(self._directory.credential.read_text(encoding="utf-8"))
            return entries if isinstance(entries, dict) else {}
        return {}

    def _write(self, entries: dict[str, Any]) -> None:
        self._directory.create()
        self._directory.write_private(self._directory.credential, json.dumps(entries, indent=2))
