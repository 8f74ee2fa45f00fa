"""The session cookie: read from exactly one place, or not at all, and written the one safe way (RFC 6265bis).

aiohttp's own parser accepts quoted values, `$Version`, and duplicates of which it takes the last; each is a way to
smuggle in somebody else's session. A strict reader of one cookie is also ten times cheaper.
"""

import re
from collections.abc import Sequence

from core.errors import NoCredential, Rejected
from core.strict_json import is_256_bits
from session_server.settings import SessionSettings

_NAME_CHARACTER = r"[A-Za-z0-9!#$%&'*+.^_`|~-]"
"""What the name of a cookie is made of (RFC 9110 §5.6.2)."""


class SessionCookie:
    """Reads and writes the cookie of one server."""

    def __init__(self, settings: SessionSettings) -> None:
        self._name = settings.cookie_name()
        self._prefix = f"{self._name}="
        self._assigned_elsewhere = re.compile(
            rf"(?<!{_NAME_CHARACTER}){re.escape(self._name)}(?!{_NAME_CHARACTER})[^A-Za-z0-9]*="
        )
        secure = "; Secure" if settings.session_cookie_secure else ""
        self._attributes = f"; Path=/; HttpOnly; SameSite=Lax{secure}"
        self._max_age_s = settings.session_absolute_ttl_s

    def read(self, headers: Sequence[str]) -> str:
        """Return the session id; raise `NoCredential` without one, `Rejected` for anything but one good one."""
        found: str | None = None
        for header in headers:
            for raw in header.split(";"):
                pair = raw.lstrip(" ")
                if pair.startswith(self._prefix):
                    if found is not None:
                        raise Rejected("cookie")
                    found = pair[len(self._prefix) :]
                elif self._is_trick(pair):
                    raise Rejected("cookie")
        if found is None:
            raise NoCredential("no_credential")
        if not is_256_bits(found):
            raise Rejected("cookie")
        return found

    def _is_trick(self, pair: str) -> bool:
        """Tell whether some other parser would read our cookie, or another dialect, out of this pair."""
        name, _, value = pair.partition("=")
        if pair.startswith("$") or self._assigned_elsewhere.search(pair):
            return True
        return name.strip().strip('"') == self._name or (not name.strip() and self._name in value)

    def write(self, session_id: str) -> str:
        """Return the `Set-Cookie` value for a new session."""
        return f"{self._prefix}{session_id}{self._attributes}; Max-Age={self._max_age_s}"

    def clear(self) -> str:
        """Return the `Set-Cookie` value that takes the cookie away."""
        return f"{self._prefix}{self._attributes}; Max-Age=0"
