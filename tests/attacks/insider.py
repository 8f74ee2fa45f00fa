"""Somebody who holds a resource server's HS256 secret: every signature of theirs is right, whatever it is under.

So what refuses such a token is the one thing that is wrong with it.
"""

from dataclasses import dataclass
from typing import Any

from tests.attacks.forge import claims, signed


@dataclass(frozen=True)
class Insider:
    """Signs anything at all with the real secret."""

    issuer: str
    kid: str
    key: bytes

    def header(self, **changes: Any) -> dict[str, Any]:
        """Return a good header with changes; None drops a member."""
        good = {"alg": "HS256", "typ": "at+jwt", "kid": self.kid}
        return {name: value for name, value in (good | changes).items() if value is not None}

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Return good claims with changes; None drops a claim."""
        return claims(self.issuer, **changes)

    def sign(self, header: object = None, payload: object = None, algorithm: str = "HS256") -> str:
        """Sign a header and a payload, each given as an object or as the very text of its JSON."""
        return signed(
            self.header() if header is None else header,
            self.claims() if payload is None else payload,
            self.key,
            algorithm,
        )
