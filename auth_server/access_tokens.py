"""Make access tokens (RFC 9068): signed JWTs, or opaque ones that only the auth server can read."""

import json
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from auth_server.key_store import KeyStore
from auth_server.logins import Logins
from auth_server.settings import AuthSettings
from core.errors import NoStore, Unavailable

_JITTER = 0.05


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token will say."""

    sub: str
    client_id: str
    audience: str
    scopes: tuple[str, ...]
    issued_at: float
    sid: str | None = None
    name: str | None = None
    roles: tuple[str, ...] | None = None


class AccessTokens:
    """Issues access tokens of one auth server."""

    def __init__(self, settings: AuthSettings, keys: KeyStore, logins: Logins | None) -> None:
        self._issuer = settings.auth_issuer
        self._life_s = settings.auth_access_ttl_s
        self._offset_s = settings.clock_offset_s
        self._keys = keys
        self._logins = logins
        self._clock: Callable[[], float] = settings.clock()

    async def issue(self, grant: Grant, token_format: str) -> dict[str, Any]:
        """Return the token response (RFC 6749 §5.1) without a refresh token."""
        claims = self._claims(grant)
        if token_format == "opaque":  # noqa: S105 - the name of a format
            token = await self._opaque(claims)
        else:
            signing = self._keys.signing(grant.audience)
            if signing is None:
                raise Unavailable("no_signing_key", retry_after_s=1.0)
            token = signing.sign(claims)
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": int(claims["exp"] - claims["iat"]),
            "scope": claims["scope"],
        }

    def _claims(self, grant: Grant) -> dict[str, Any]:
        """Write the claims. Lives end up to 5 % early, so that refreshes of many clients do not come as a herd."""
        issued_at = round(grant.issued_at + self._offset_s, 3)
        life_s = self._life_s * (1 - _JITTER * random.random())  # noqa: S311 - jitter, not a secret
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": grant.audience,
            "sub": grant.sub,
            "client_id": grant.client_id,
            "iat": issued_at,
            "exp": round(issued_at + max(1.0, life_s), 3),
            "jti": secrets.token_urlsafe(16),
            "scope": " ".join(grant.scopes),
        }
        optional = {"sid": grant.sid, "name": grant.name, "roles": grant.roles}
        return claims | {name: value for name, value in optional.items() if value is not None}

    async def _opaque(self, claims: dict[str, Any]) -> str:
        if self._logins is None:
            raise NoStore("no_store")
        token = secrets.token_urlsafe(32)
        await self._logins.keep_opaque(token, json.dumps(claims).encode(), claims["exp"] - claims["iat"])
        return token

    async def now(self) -> float:
        """Return the moment that a new token is issued: Redis' where there is one, so that cut-offs compare."""
        return await self._logins.begin() if self._logins is not None else self._clock() - self._offset_s
