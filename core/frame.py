"""What happens around every handler: identify, authorize, run, count; and turn whatever goes wrong into a clear answer.

It is on the path of every request: what is not needed is not done. It wraps each handler once, when the routes are
made; a middleware would have to find its route again for every request.
"""

import hmac
import itertools
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from http import HTTPStatus
from time import perf_counter
from typing import Any, Protocol

from aiohttp import web

from core.answers import Answer, problem_answer
from core.authorization import SIGNED_IN, authorize
from core.endpoint import Endpoint
from core.errors import BadRequest, MethodNotAllowed, Refusal, TooLarge, Unavailable
from core.lifecycle import MAX_IN_FLIGHT, MAX_WAIT_S, OVERLOAD, VITAL, Lifecycle
from core.logs import audit
from core.metrics import Metrics
from core.out_of_memory import end_at_once
from core.subject import Subject
from core.timing import LOOKUPS_S

SUBJECT = web.RequestKey("subject", Subject)
TIMING = web.RequestKey("timing", str)


class Guard(Protocol):
    """How one server finds out who is asking."""

    async def authenticate(self, request: web.Request) -> Subject:
        """Return the subject; raise `Rejected`, `CsrfRefused`, `BadRequest` or `Unavailable`."""

    def challenge(self, request: web.Request, refusal: Refusal, /) -> Mapping[str, str]:
        """Return the headers that go with a refusal, such as `WWW-Authenticate`."""

    @property
    def checks(self) -> tuple[str, ...]:
        """The checks in the order in which they decide."""


Render = Callable[[web.Request, Refusal], Answer]
"""How a server writes its refusals."""


def render_problem(_request: web.Request, refusal: Refusal) -> Answer:
    """Write a refusal as a problem (RFC 9457)."""
    return problem_answer(refusal)


class _NobodyYet:
    """The guard of a server whose resources are not open."""

    checks = ()

    async def authenticate(self, request: web.Request) -> Subject:
        """Refuse to decide."""
        _ = request
        raise Unavailable("starting", retry_after_s=1.0)

    def challenge(self, request: web.Request, refusal: Refusal, /) -> Mapping[str, str]:
        """Return nothing."""
        _ = request, refusal
        return {}


class ServerError(Refusal):
    """An error of ours; the log has it under the request id."""

    status = 500
    code = "internal"
    title = "An error of ours"


class Frame:
    """What all routes of one server share."""

    def __init__(
        self,
        *,
        lab_secret: str | None = None,
        server_timing: bool = False,
        render: Render = render_problem,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.metrics = Metrics()
        self.lifecycle = lifecycle = Lifecycle()
        self.metrics.counter("authlab_shed", "Requests told to come back: too many.", lambda: lifecycle.shed)
        self.metrics.gauge("authlab_connections", "Clients connected.", lambda: lifecycle.connections)
        self.metrics_text: Callable[[], Awaitable[bytes]] = self._own_metrics_text
        """What `/metrics` tells. A server of several workers replaces this by the sum of all."""
        self._lab_secret = lab_secret
        self._server_timing = server_timing
        self.recognise_with(None)
        self._render = render
        self._headers = dict(headers or {})
        self._prefix = secrets.token_hex(4)
        self._numbers = itertools.count(1)
        self._has_extras = bool(headers) or server_timing or lab_secret is not None

    async def _own_metrics_text(self) -> bytes:
        return self.metrics.text()

    def around(  # noqa: C901 - one straight path; each function cut out of it would be a call more per request
        self, endpoint: Endpoint
    ) -> Callable[[web.Request], Coroutine[Any, Any, Answer]]:
        """Return what aiohttp calls for an endpoint: its handler, with everything that belongs around it."""
        lifecycle, handler = self.lifecycle, endpoint.handler
        policy, guarded = endpoint.policy, not endpoint.policy.public
        restricted, vital = policy != SIGNED_IN, endpoint.path in VITAL
        observe = self.metrics.route(endpoint.method, endpoint.path).observe
        prefix, numbers = self._prefix, self._numbers

        async def framed(request: web.Request) -> Answer:  # noqa: C901 - as above
            started = perf_counter()
            request_id = f"{prefix}-{next(numbers):x}"
            refusal: Refusal | None = None
            lifecycle.begun += 1
            arrived = request.protocol.arrived_s  # type: ignore[attr-defined] # it is a core.connection.Connection
            if started - arrived <= MAX_WAIT_S:
                lifecycle.in_time_s = started
            elif arrived:
                lifecycle.waited_too_long(started)
            lifecycle.in_flight += 1
            try:
                if (not arrived or lifecycle.in_flight > MAX_IN_FLIGHT) and not vital:
                    lifecycle.shed += 1
                    raise Unavailable(OVERLOAD, retry_after_s=1.0)
                if guarded:
                    subject = await self._authenticate(request)
                    if restricted:
                        authorize(subject, policy)
                    request[SUBJECT] = subject
                answer = await handler(request)
            except (Refusal, web.HTTPException, web.RequestPayloadError) as error:
                refusal = _as_refusal(error)
                answer = self._refuse(request, refusal, endpoint)
            except ConnectionError:
                raise
            except Exception as error:  # noqa: BLE001 - the last resort: the client gets a clean 500, the log the traceback
                answer = self._crashed(request, endpoint, request_id, error)
            finally:
                lifecycle.in_flight -= 1
            answer.request_id = request_id
            if refusal is not None or answer.status == HTTPStatus.INTERNAL_SERVER_ERROR:
                _log(request, answer.status, refusal, request_id, endpoint)
            if self._has_extras:
                self._add_extras(request, answer, refusal, guarded=guarded)
            if lifecycle.draining:
                answer.force_close()
            observe(answer.status, perf_counter() - started)
            return answer

        return framed

    def recognise_with(self, guard: Guard | None) -> None:
        """Recognise callers with this guard from now on; without one nobody is."""
        self._guard = guard if guard is not None else _NobodyYet()
        self._authenticate = self._authenticate_timed if self._server_timing else self._guard.authenticate

    async def _authenticate_timed(self, request: web.Request) -> Subject:
        """Authenticate, and note how long that took and how much of it was waiting for lookups, in ms."""
        lookups: list[float] = []
        LOOKUPS_S.set(lookups)
        started = perf_counter()
        try:
            return await self._guard.authenticate(request)
        finally:
            verify_ms = (perf_counter() - started) * 1000
            request[TIMING] = f"verify;dur={verify_ms:.3f}, lookup;dur={sum(lookups) * 1000:.3f}"

    def _refuse(self, request: web.Request, refusal: Refusal, endpoint: Endpoint) -> Answer:
        self.metrics.refused(refusal.reason)
        answer = self._render(request, refusal)
        if isinstance(refusal, MethodNotAllowed):
            answer.headers["Allow"] = ", ".join(refusal.allowed)
        if not endpoint.policy.public:
            answer.headers.update(self._guard.challenge(request, refusal))
        return answer

    def _crashed(self, request: web.Request, endpoint: Endpoint, request_id: str, error: Exception) -> Answer:
        if isinstance(error, MemoryError):
            end_at_once()
        audit.exception("request.crashed", route=endpoint.path, request_id=request_id)
        return self._render(request, ServerError("crash"))

    def _add_extras(self, request: web.Request, answer: Answer, refusal: Refusal | None, *, guarded: bool) -> None:
        answer.headers.update(self._headers)
        if TIMING in request:
            answer.headers["Server-Timing"] = request[TIMING]
        if guarded and self._lab_secret is not None:
            given = request.headers.get("Authlab-Secret", "")
            if hmac.compare_digest(given.encode("utf-8", "replace"), self._lab_secret.encode()):
                answer.headers["Authlab-Checks"] = _told(self._guard.checks, refusal)


def _told(checks: tuple[str, ...], refusal: Refusal | None) -> str:
    """Tell which checks held and which one decided: `parse;ok, mac;fail`."""
    if refusal is None:
        return ", ".join(f"{check};ok" for check in checks)
    if refusal.reason not in checks:
        return f"{refusal.reason};fail"
    passed = checks[: checks.index(refusal.reason)]
    return ", ".join([*(f"{check};ok" for check in passed), f"{refusal.reason};fail"])


def _as_refusal(error: Exception) -> Refusal:
    match error:
        case Refusal():
            return error
        case web.HTTPRequestEntityTooLarge():
            return TooLarge("body")
        case _:
            return BadRequest("http")


def _log(request: web.Request, status: int, refusal: Refusal | None, request_id: str, endpoint: Endpoint) -> None:
    if endpoint.path == "/readyz":
        return  # asked again and again while a server starts or drains: a state, not an event
    if refusal is not None and refusal.reason == OVERLOAD:
        return  # a line for each would be most of the work; `authlab_shed` counts them
    audit.info(
        "request.refused",
        status=status,
        reason=refusal.reason if refusal is not None else "crash",
        method=request.method,
        route=endpoint.path,
        address=request.remote,
        request_id=request_id,
    )
