"""Who may ask the gateway for anything: this page in this browser, under a name that is ours.

A page of another origin, even on another port of this machine, can make a browser send requests here; so can a name
that somebody points at 127.0.0.1. Neither knows the page's token, and nothing but the page itself is given without it.
"""

import hmac

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from core.answers import encode_json
from lab.gateway.learners import Learner, Learners

LEARNERS = web.AppKey("learners", Learners)
LEARNER = web.RequestKey("learner", Learner)
TOKEN_HEADER = "Authlab-Page"  # noqa: S105 - a name
STREAM_PATH = "/lab/events"
_OPEN_PATHS = frozenset({"/", "/livez", "/readyz"})
_OPEN_PREFIX = "/static/"

SAFE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'; "
        "require-trusted-types-for 'script'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def cookie_name(port: int) -> str:
    """Name the lab's own cookie. Cookies ignore ports, so two labs on one machine need two names."""
    return f"authlab-page-{port}"


def problem(status: int, code: str, detail: str) -> web.Response:
    """Answer with a problem (RFC 9457)."""
    body = {"type": "about:blank", "status": status, "code": code, "detail": detail}
    return web.Response(status=status, text=encode_json(body), content_type="application/problem+json")


def guard(hosts: frozenset[str], cookie: str) -> Middleware:
    """Return the middleware that lets nobody else in."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        refusal = _refusal(request, hosts, cookie)
        return await handler(request) if refusal is None else refusal

    return guarded


async def add_safe_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Put what keeps a page safe on every answer that has no rule of its own."""
    for name, value in SAFE_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers[hdrs.SERVER] = "authlab"  # aiohttp has put its own there, with its version
    response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")


def _refusal(request: web.Request, hosts: frozenset[str], cookie: str) -> web.Response | None:
    if request.headers.getall(hdrs.HOST, []) != [request.host] or request.host not in hosts:
        return problem(421, "host", "This is not the name of the lab. Use its own address.")
    if request.path in _OPEN_PATHS or request.path.startswith(_OPEN_PREFIX):
        return None
    if not _is_same_origin(request):
        return problem(403, "origin", "Only the lab's own page may ask for this.")
    learner = request.app[LEARNERS].find(request.cookies.get(cookie))
    if learner is None:
        return problem(403, "no_page", "Open the lab's page first; if it is open, the lab was restarted: reload it.")
    if request.path != STREAM_PATH and not _has_token(request, learner):
        return problem(403, "page_token", "Only the lab's own page may ask for this.")
    request[LEARNER] = learner
    return None


def _is_same_origin(request: web.Request) -> bool:
    """Believe what the browser says of where a request comes from; one that says nothing still needs the token."""
    origins = request.headers.getall(hdrs.ORIGIN, [])
    sites = request.headers.getall("Sec-Fetch-Site", [])
    return all(origin == f"http://{request.host}" for origin in origins) and all(
        site == "same-origin" for site in sites
    )


def _has_token(request: web.Request, learner: Learner) -> bool:
    values = request.headers.getall(TOKEN_HEADER, [])
    return len(values) == 1 and hmac.compare_digest(values[0].encode(), learner.page_token.encode())
