"""What each header member and claim of a token means, in one line."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

HEADER: Mapping[str, str] = {
    "alg": "how it is signed; a verifier must already know which one it takes, and never be told by the token",
    "typ": "what kind of token this is; at+jwt is an access token (RFC 9068)",
    "kid": "which key signed it: a name to look up among keys already trusted",
    "cty": "the payload is itself a token",
    "crit": "extensions that a verifier must understand; ours support none and refuse it",
    "jwk": "a key inside the token itself: trusting it would let anyone sign; refused",
    "jku": "an address to fetch keys from: following it would let anyone sign; refused",
    "x5u": "an address to fetch a certificate from; refused",
    "x5c": "a certificate inside the token itself; refused",
    "zip": "a compressed payload; refused",
    "enc": "belongs to encrypted tokens (JWE); refused",
    "b64": "an unencoded payload (RFC 7797); refused",
}

CLAIMS: Mapping[str, str] = {
    "iss": "issuer: who made the token",
    "sub": "subject: who it speaks about",
    "aud": "audience: which API it is meant for",
    "exp": "expiry: not accepted from this moment on",
    "nbf": "not before: not accepted until this moment",
    "iat": "issued at: when it was made",
    "jti": "the token's own number; what a denylist keeps",
    "client_id": "the application it was given to",
    "scope": "what it allows, space-separated",
    "sid": "the login it belongs to; what a logout ends",
    "name": "a name to show",
    "roles": "roles of the subject when the token was made: a later change does not reach it",
    "azp": "the party it was issued to (OpenID Connect)",
    "auth_time": "when the user proved who they are",
    "nonce": "binds it to one login request (OpenID Connect)",
    "cnf": "binds it to a key that the caller must also hold",
}

_TIMES = frozenset({"exp", "nbf", "iat", "auth_time"})


def meaning_of_claim(name: str, value: Any) -> str:
    """Say what a claim means; a time also as a date."""
    meaning = CLAIMS.get(name, "not a registered claim: it means what its issuer says")
    moment = moment_of(value) if name in _TIMES else None
    return f"{meaning} ({moment})" if moment else meaning


def meaning_of_header(name: str) -> str:
    """Say what a header member means."""
    return HEADER.get(name, "not a registered header member; it is ignored")


def moment_of(value: Any) -> str | None:
    """Write Unix seconds as a date; None for what is not a time."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return datetime.fromtimestamp(value, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return None
