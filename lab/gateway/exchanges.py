"""Send one request on a learner's behalf and record everything about it: bytes, timing, checks, store commands."""

import time
from dataclasses import dataclass, field
from typing import Any

from lab.gateway.learners import Learner
from lab.gateway.servers import Server
from lab.gateway.store_counts import StoreCounts
from lab.gateway.wire import Answer, Connection, Headers, NoAnswer, Request, deadline

ANSWER_WITHIN_S = 10.0
SECRET_HEADER = "Authlab-Secret"  # noqa: S105 - a name
CHECKS_HEADER = "authlab-checks"
TIMING_HEADER = "server-timing"
HIDDEN = "(the lab's own)"
_SHOWN_BODY_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Errand:
    """What is sent where, and for whom."""

    server: Server
    request: Request
    action: str = ""
    """What the page was doing; it finds its messages again by this."""
    sent_by: str = "browser"
    """`browser` for what the learner's browser sent, `lab` for what the lab sent in its place."""
    dealt_from: str | None = None
    """The group that the server was dealt from."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    number: int
    answer: Answer | None
    failure: str | None
    record: dict[str, Any] = field(repr=False)


class Exchanges:
    """Sends and records."""

    def __init__(self, counts: StoreCounts, lab_secret: str | None) -> None:
        self.counts = counts
        self._secret = lab_secret

    async def run(self, errand: Errand, learner: Learner) -> Outcome:
        """Send a request and add what happened to the learner's log, also when nobody answers."""
        request = self.with_host(errand)
        asked = [*request.headers, (SECRET_HEADER, self._secret)] if self._secret else request.headers
        encoded = Request(request.method, request.target, asked, request.body).encoded()
        bare = len(request.encoded())
        answer, failure = None, None
        async with self.counts.counting() as counted:
            at, began_s = time.time(), time.perf_counter()
            try:
                async with deadline(ANSWER_WITHIN_S), await Connection.open(errand.server.address) as connection:
                    answer = await connection.exchange(encoded)
            except NoAnswer as error:
                failure = str(error)
            took_s = time.perf_counter() - began_s
        record = {
            "action": errand.action,
            "server": errand.server.name,
            "dealt": errand.dealt_from,
            "by": errand.sent_by,
            "at": round(at * 1000, 3),
            "ms": round(took_s * 1000, 3),
            "request": _request_data(request, bare, why_asked=bool(self._secret)),
            "answer": None if answer is None else _answer_data(answer),
            "failure": failure,
            "checks": _checks(answer),
            "timing": _timing(answer),
            "stores": counted.by_store,
            "alone": counted.alone,
        }
        return Outcome(learner.log.add("exchange", record), answer, failure, record)

    @staticmethod
    def with_host(errand: Errand) -> Request:
        """Add what every request needs: whom it is for, and how long its body is."""
        request = errand.request
        headers: Headers = [("Host", errand.server.authority), *request.headers]
        if request.body or request.method not in {"GET", "HEAD"}:
            headers.append(("Content-Length", str(len(request.body))))
        return Request(request.method, request.target, headers, request.body)


def _request_data(request: Request, length: int, *, why_asked: bool) -> dict[str, Any]:
    hidden = [(SECRET_HEADER, HIDDEN)] if why_asked else []
    return {
        "method": request.method,
        "target": request.target,
        "headers": [*request.headers, *hidden],
        "body": _text(request.body),
        "bytes": length,
    }


def _answer_data(answer: Answer) -> dict[str, Any]:
    return {
        "status": answer.status,
        "reason": answer.reason,
        "headers": answer.headers,
        "body": _text(answer.body),
        "bytes": answer.bytes_down,
    }


def _text(body: bytes) -> str:
    shown = body[:_SHOWN_BODY_BYTES].decode("utf-8", "backslashreplace")
    return shown if len(body) <= _SHOWN_BODY_BYTES else f"{shown}… ({len(body)} bytes)"


def _checks(answer: Answer | None) -> list[list[str]]:
    """Read `parse;ok, mac;fail` as the server's checks in their order."""
    told = answer.header(CHECKS_HEADER) if answer is not None else None
    return [list(check.strip().partition(";")[::2]) for check in (told or "").split(",") if check.strip()]


def _timing(answer: Answer | None) -> dict[str, float]:
    """Read `verify;dur=0.1, lookup;dur=0.05` as milliseconds by name."""
    told = answer.header(TIMING_HEADER) if answer is not None else None
    durations = {}
    for entry in (told or "").split(","):
        name, _, value = entry.strip().partition(";dur=")
        try:
            durations[name] = float(value)
        except ValueError:
            continue
    return durations
