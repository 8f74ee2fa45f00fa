"""What happens around every handler: identify, authorize, run, count; and turn whatever goes wrong into a clear answer.

It is one middleware, and it is on the path of every request: what is not needed is not done.
"""

import hmac
import itertools
import secrets
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from core.answers import problem_answer
from core.authorization import authorize
from core.endpoint import Endpoint
from core.errors import BadRequest, Forbidden, MethodNotAllowed, NotFound, Refusal, TooLarge, Unavailable
from core.logs import audit
from core.metrics import Metrics, RouteMetrics
from core.subject import Subject
from core.timing import LOOKUPS_S

SUBJECT = web.RequestKey("subject", Subject)
TIMING = web.RequestKey("timing", str)
MAX_IN_FLIGHT = 1024
"""Beyond this a request would only wait: it is told to come back instead."""


class Guard(Protocol):
    """How one server finds out who is asking."""

    async def authenticate(self, request: web.Request) -> Subject:
        """Return the subject; raise `Rejected`, `CsrfRefused`, `BadRequest` or `Unavailable`."""

    def challenge(self, request: web.Request, refusal: Refusal, /) -> Mapping[str, str]:
        """Return the headers that go with a refusal, such as `WWW-Authenticate`."""

    @property
    def checks(self) -> tuple[str, ...]:
        """The checks in the order in which they decide."""


GUARD: web.AppKey[Guard] = web.AppKey("guard", Guard)


Render = Callable[[web.Request, Refusal], web.Response]
"""How a server writes its refusals."""


def render_problem(_request: web.Request, refusal: Refusal) -> web.Response:
    """Write a refusal as a problem (RFC 9457)."""
    return problem_answer(refusal)


class Lifecycle:
    """Whether this server is taking requests."""

    def __init__(self) -> None:
        self.draining = False
        self.in_flight = 0


class ServerError(Refusal):
    """An error of ours; the log has it under the request id."""

    status = 500
    code = "internal"
    title = "An error of ours"


def make_frame(
    endpoints: Mapping[web.AbstractRoute, tuple[Endpoint, RouteMetrics]],
    metrics: Metrics,
    lifecycle: Lifecycle,
    *,
    lab_secret: str | None,
    server_timing: bool,
    render: Render,
    headers: Mapping[str, str],
) -> Middleware:
    """Build the one middleware. `endpoints` holds every route there is: another one is denied."""
    prefix = secrets.token_hex(4)
    numbers = itertools.count(1)
    unknown = metrics.route("*", "unknown")
    identify = _identify_timed if server_timing else _identify

    @web.middleware
    async def frame(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = perf_counter()
        request_id = f"{prefix}-{next(numbers):x}"
        endpoint, counted = endpoints.get(request.match_info.route, (None, unknown))
        refusal: Refusal | None = None
        lifecycle.in_flight += 1
        try:
            if lifecycle.in_flight > MAX_IN_FLIGHT:
                raise Unavailable("overload", retry_after_s=1.0)
            if endpoint is None:
                raise _no_endpoint(request)
            if not endpoint.policy.public:
                await identify(request, endpoint)
            response = await handler(request)
        except (Refusal, web.HTTPException, web.RequestPayloadError) as error:
            refusal = _as_refusal(error)
            response = _refuse(request, refusal, endpoint, render)
            metrics.refused(refusal.reason)
            _log(request, refusal, request_id, endpoint)
        except ConnectionError:
            raise
        except Exception:  # noqa: BLE001 - the last resort: the client gets a clean 500, the log gets the traceback
            audit.exception("request.crashed", request_id=request_id, route=counted.path)
            response = render(request, ServerError("crash"))
        finally:
            lifecycle.in_flight -= 1
        response.headers["X-Request-Id"] = request_id
        if headers:
            response.headers.update(headers)
        if server_timing and TIMING in request:
            response.headers["Server-Timing"] = request[TIMING]
        if lab_secret is not None and endpoint is not None and not endpoint.policy.public:
            _tell_checks(request, response, refusal, lab_secret)
        if lifecycle.draining:
            response.force_close()
        counted.observe(response.status, perf_counter() - started)
        return response

    return frame


async def _identify(request: web.Request, endpoint: Endpoint) -> None:
    subject = await request.app[GUARD].authenticate(request)
    authorize(subject, endpoint.policy)
    request[SUBJECT] = subject


async def _identify_timed(request: web.Request, endpoint: Endpoint) -> None:
    """Do the same, and note how long verifying took and how much of that was waiting for lookups, in ms."""
    lookups: list[float] = []
    LOOKUPS_S.set(lookups)
    started = perf_counter()
    try:
        await _identify(request, endpoint)
    finally:
        verify_ms = (perf_counter() - started) * 1000
        request[TIMING] = f"verify;dur={verify_ms:.3f}, lookup;dur={sum(lookups) * 1000:.3f}"


def _no_endpoint(request: web.Request) -> Refusal | web.HTTPException:
    error = request.match_info.http_exception
    return error if error is not None else Forbidden("no_policy")


def _as_refusal(error: Exception) -> Refusal:
    match error:
        case Refusal():
            return error
        case web.HTTPNotFound():
            return NotFound("route")
        case web.HTTPMethodNotAllowed():
            refusal = MethodNotAllowed("method")
            refusal.allowed = tuple(sorted(error.allowed_methods))
            return refusal
        case web.HTTPRequestEntityTooLarge():
            return TooLarge("body")
        case _:
            return BadRequest("http")


def _refuse(request: web.Request, refusal: Refusal, endpoint: Endpoint | None, render: Render) -> web.Response:
    response = render(request, refusal)
    if isinstance(refusal, MethodNotAllowed):
        response.headers["Allow"] = ", ".join(refusal.allowed)
    if endpoint is not None and not endpoint.policy.public:
        response.headers.update(request.app[GUARD].challenge(request, refusal))
    return response


def _log(request: web.Request, refusal: Refusal, request_id: str, endpoint: Endpoint | None) -> None:
    audit.info(
        "request.refused",
        status=refusal.status,
        reason=refusal.reason,
        method=request.method,
        route=endpoint.path if endpoint else None,
        address=request.remote,
        request_id=request_id,
    )


def _tell_checks(request: web.Request, response: web.StreamResponse, refusal: Refusal | None, lab_secret: str) -> None:
    """Tell the lab's page, and nobody else, which check decided."""
    given = request.headers.get("Authlab-Secret", "")
    if not hmac.compare_digest(given.encode("utf-8", "replace"), lab_secret.encode()):
        return
    told = []
    for check in request.app[GUARD].checks:
        failed = refusal is not None and refusal.reason == check
        told.append(f"{check};{'fail' if failed else 'ok'}")
        if failed:
            break
    if refusal is not None and not told[-1].endswith("fail"):
        told = [f"{refusal.reason};fail"]
    response.headers["Authlab-Checks"] = ", ".join(told)
