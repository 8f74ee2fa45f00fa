"""Remember which tokens verified, so that one seen before costs a dictionary hit. Never a verdict on revocation."""

from collections import OrderedDict

from core.access_token import VerifiedToken

MAX_BYTES = 64 * 1024 * 1024
_BYTES_PER_ENTRY = 1500
"""Measured, without the token's own text: subject, ids, dictionary slot."""


class TokenCache:
    """Verified tokens by their text, least recently used out first, bounded in entries and bytes."""

    def __init__(self, max_entries: int) -> None:
        self._max_entries = max_entries
        self._entries: OrderedDict[str, VerifiedToken] = OrderedDict()
        self._bytes = 0
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, token: str) -> VerifiedToken | None:
        """Return what the token proved when it was verified; the caller checks everything that time can change."""
        entry = self._entries.get(token)
        if entry is None:
            self.misses += 1
            return None
        self.hits += 1
        self._entries.move_to_end(token)
        return entry

    def put(self, token: str, verified: VerifiedToken) -> None:
        """Remember a token that just verified."""
        if token not in self._entries:
            self._bytes += len(token) + _BYTES_PER_ENTRY
        self._entries[token] = verified
        while len(self._entries) > self._max_entries or self._bytes > MAX_BYTES:
            dropped, _ = self._entries.popitem(last=False)
            self._bytes -= len(dropped) + _BYTES_PER_ENTRY
