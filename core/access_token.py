"""Verify a signed JWT access token (RFC 9068) the strict way: parse, signature, typed claims, in that order.

A JWT is signed, not encrypted: anyone can read it, only a holder of the key can make one.
Nothing of the claims is looked at before the signature holds.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeGuard

from core.errors import Rejected
from core.keys import KeyRing, VerificationKey, is_kid
from core.strict_json import NotStrict, base64url_bytes, json_object
from core.subject import Subject

MAX_TOKEN_CHARS = 4096
MAX_HEADER_CHARS = 1024
MAX_LIFE_S = 24 * 3600
FUTURE_LEEWAY_S = 10
"""How far `iat` and `nbf` may lie ahead (FAPI 2.0 §5.3.2.1); `exp` gets no leeway."""
_MAX_TIME_S = 2**53
_MAX_ID_CHARS = 255
_REMEMBERED_HEADERS = 64
_TYPES = frozenset({"at+jwt", "application/at+jwt"})
_REFUSED_HEADERS = frozenset({"crit", "b64", "jwk", "jku", "x5u", "x5c", "zip", "enc"})
"""`crit` because we support no extension; the others because a key or a URL from the token must never be followed."""

CHECKS = ("parse", "header", "type", "key", "algorithm", "mac", "claims", "issuer", "audience", "time")
SIGNATURE_CHECKS = tuple("signature" if check == "mac" else check for check in CHECKS)
"""The same with public keys: a MAC shows that a holder of the secret made it, a signature who."""


class UnknownKey(Rejected):
    """The token names a key that is not in the ring. It may be a new one."""

    def __init__(self, kid: str) -> None:
        super().__init__("key")
        self.kid = kid


@dataclass(slots=True)
class VerifiedToken:
    """A token whose signature and claims held: who asks, and what revocation is keyed on. Times are Unix seconds."""

    subject: Subject
    jti: str
    sid: str | None
    client_id: str
    audience: str
    issued_at: float
    valid_from: float
    expires_at: float
    key: VerificationKey | None
    """None for an opaque token, which the auth server's own store vouches for."""


class TokenVerifier:
    """Verify access tokens of one issuer for one audience with the keys of a ring that may be replaced at any time."""

    def __init__(
        self, *, issuer: str, audiences: frozenset[str], ring: Callable[[], KeyRing], clock: Callable[[], float]
    ) -> None:
        self._issuer = issuer
        self._audiences = audiences
        self._ring = ring
        self._clock = clock
        self._headers: dict[str, VerificationKey] = {}
        self._headers_of: KeyRing | None = None

    def verify(self, token: str) -> VerifiedToken:
        """Return what the token proves; raise `Rejected`, whatever the bytes, and `UnknownKey` for a foreign `kid`."""
        try:
            return self._verify(token)
        except NotStrict as error:
            raise Rejected("parse") from error

    def _verify(self, token: str) -> VerifiedToken:
        if len(token) > MAX_TOKEN_CHARS:
            raise Rejected("parse")
        header, dot, rest = token.partition(".")
        payload, second_dot, signature = rest.partition(".")
        if not (header and dot and payload and second_dot and signature and token.isascii()):
            raise Rejected("parse")
        key = self._key(header)
        signature_bytes = base64url_bytes(signature)
        if not key.verifies(token[: -len(signature) - 1].encode("ascii"), signature_bytes):
            raise Rejected(key.check)
        return self.proved(json_object(base64url_bytes(payload)), key)

    def _key(self, header: str) -> VerificationKey:
        """Find the key that a header names. Its text is parsed once: every token of one key carries the same."""
        ring = self._ring()
        if ring is not self._headers_of:
            self._headers = {}
            self._headers_of = ring
        key = self._headers.get(header)
        if key is None:
            key = self._key_of_new_header(header, ring)
            if len(self._headers) >= _REMEMBERED_HEADERS:
                self._headers.clear()
            self._headers[header] = key
        return key

    @staticmethod
    def _key_of_new_header(header: str, ring: KeyRing) -> VerificationKey:
        if len(header) > MAX_HEADER_CHARS:
            raise Rejected("parse")
        members = json_object(base64url_bytes(header))
        if not _REFUSED_HEADERS.isdisjoint(members):
            raise Rejected("header")
        kind = members.get("typ")
        if type(kind) is not str or kind.lower() not in _TYPES:
            raise Rejected("type")
        kid = members.get("kid")
        if not is_kid(kid):
            raise Rejected("key")
        key = ring.get(kid)
        if key is None:
            raise UnknownKey(kid)
        if members.get("alg") != key.algorithm:
            raise Rejected("algorithm")
        return key

    def proved(self, claims: dict[str, Any], key: VerificationKey | None) -> VerifiedToken:
        """Return what claims say that a key, or the store of the auth server itself, vouches for; raise `Rejected`."""
        subject_id, token_id, client_id = claims.get("sub"), claims.get("jti"), claims.get("client_id")
        if not (_is_id(subject_id) and _is_id(token_id) and _is_id(client_id)):
            raise Rejected("claims")
        sid, name = claims.get("sid"), claims.get("name", subject_id)
        if not ((sid is None and "sid" not in claims) or _is_id(sid)) or type(name) is not str:
            raise Rejected("claims")
        if claims.get("iss") != self._issuer:
            raise Rejected("issuer")
        audience = self._our_audience(claims.get("aud"))
        issued_at, valid_from, expires_at = self._times(claims)
        subject = Subject(self._issuer, subject_id, name, _roles(claims), _scopes(claims), issued_at)
        return VerifiedToken(subject, token_id, sid, client_id, audience, issued_at, valid_from, expires_at, key)

    def _our_audience(self, audience: object) -> str:
        if type(audience) is list and len(audience) == 1:
            audience = audience[0]
        if type(audience) is not str or audience not in self._audiences:
            raise Rejected("audience")
        return audience

    def _times(self, claims: dict[str, Any]) -> tuple[float, float, float]:
        issued_at, expires_at, not_before = claims.get("iat"), claims.get("exp"), claims.get("nbf", 0)
        if not (_is_time(issued_at) and _is_time(expires_at) and _is_time(not_before)):
            raise Rejected("claims")
        now = self._clock()
        valid_from = max(issued_at, not_before) - FUTURE_LEEWAY_S
        if not valid_from <= now < expires_at or not 0 < expires_at - issued_at <= MAX_LIFE_S:
            raise Rejected("time")
        return issued_at, valid_from, expires_at


def _is_id(value: object) -> TypeGuard[str]:
    return type(value) is str and 0 < len(value) <= _MAX_ID_CHARS and "\0" not in value


def _is_time(value: object) -> TypeGuard[float]:
    """Tell whether `value` is a NumericDate (RFC 7519 §2): a JSON number, and no bool, which Python counts as one."""
    if type(value) is float:
        return math.isfinite(value) and 0 <= value < _MAX_TIME_S
    return type(value) is int and 0 <= value < _MAX_TIME_S


def _roles(claims: dict[str, Any]) -> tuple[str, ...]:
    roles = claims.get("roles", [])
    if type(roles) is not list:
        raise Rejected("claims")
    for role in roles:
        if type(role) is not str:
            raise Rejected("claims")
    return tuple(roles)


def _scopes(claims: dict[str, Any]) -> tuple[str, ...]:
    scope = claims.get("scope", "")
    if type(scope) is not str:
        raise Rejected("claims")
    return tuple(scope.split())
