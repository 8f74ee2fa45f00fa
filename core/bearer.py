"""Take a bearer token from a request, from one place only (RFC 6750 §2.1), and write the challenges (§3)."""

from collections.abc import Mapping

from aiohttp import hdrs, web

from core.errors import BadRequest, Forbidden, NoCredential, Refusal, Rejected

_REALM = 'Bearer realm="authlab"'
_CHALLENGES: Mapping[type[Refusal], Mapping[str, str]] = {
    NoCredential: {hdrs.WWW_AUTHENTICATE: _REALM},
    Rejected: {hdrs.WWW_AUTHENTICATE: f'{_REALM}, error="invalid_token"'},
    Forbidden: {hdrs.WWW_AUTHENTICATE: f'{_REALM}, error="insufficient_scope"'},
    BadRequest: {hdrs.WWW_AUTHENTICATE: f'{_REALM}, error="invalid_request"'},
}


class TwoCredentials(BadRequest):
    """Two Authorization headers: whoever reads the first and whoever reads the last would disagree."""


def bearer_token(request: web.Request) -> str:
    """Return the text after `Bearer `; raise `NoCredential` without one, `TwoCredentials` for more than one header."""
    values = request.headers.getall(hdrs.AUTHORIZATION, ())
    if len(values) > 1:
        raise TwoCredentials("credentials", "Send one Authorization header.")
    scheme, _, token = values[0].partition(" ") if values else ("", "", "")
    if scheme.lower() != "bearer":
        raise NoCredential("no_credential")
    return token


def bearer_challenge(refusal: Refusal) -> Mapping[str, str]:
    """Return the `WWW-Authenticate` header that belongs to a refusal; no header where RFC 6750 has none."""
    if isinstance(refusal, Rejected) and not isinstance(refusal, NoCredential):
        return _CHALLENGES[Rejected]
    if isinstance(refusal, TwoCredentials):
        return _CHALLENGES[BadRequest]
    return _CHALLENGES.get(type(refusal), {})
