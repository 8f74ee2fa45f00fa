"""Prove that a request that changes something came from a page of ours (OWASP CSRF Prevention).

The token is derived from the session id, so it is bound to the session and stored nowhere; a page gets it from
`/login` or `/csrf` and sends it in a header, which another origin's page cannot do. What the browser says of the
origin is checked too.
"""

import hmac

from aiohttp import web

from core.errors import CsrfRefused
from core.strict_json import base64url_text

HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def csrf_token(session_id: str) -> str:
    """Return the token of a session."""
    return base64url_text(hmac.digest(session_id.encode(), b"authlab/csrf/v1", "sha256"))


def check_token(request: web.Request, session_id: str) -> None:
    """Return if the request carries its session's token; raise `CsrfRefused`."""
    values = request.headers.getall(HEADER, ())
    given = values[0] if len(values) == 1 else ""
    if not hmac.compare_digest(given.encode("utf-8", "replace"), csrf_token(session_id).encode()):
        raise CsrfRefused("csrf", f"Send the session's token as {HEADER}.")


def check_origin(request: web.Request, allowed: frozenset[str]) -> None:
    """Return if the browser names no foreign origin; raise `CsrfRefused`. The Host header is never believed."""
    origins = request.headers.getall("Origin", ())
    if any(origin not in allowed for origin in origins) or len(origins) > 1:
        raise CsrfRefused("csrf", "The request comes from another origin.")
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site != "same-origin" and not origins:
        raise CsrfRefused("csrf", "The request comes from another site.")
