"""What the three FastAPI applications answer."""

import os
from typing import Any

from pydantic import BaseModel


class Me(BaseModel):
    """Who the server takes the caller for."""

    sub: str
    name: str
    roles: list[str]
    scope: str
    server: str = os.environ["NAME"]
    strategy: str = os.environ["STRATEGY"]
    issued_at: float


def from_claims(claims: dict[str, Any]) -> Me:
    """Describe the subject of a token."""
    return Me(issued_at=claims["iat"], **{name: claims[name] for name in ("sub", "name", "roles", "scope")})
