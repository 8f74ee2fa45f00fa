"""Answers: JSON, and problems as RFC 9457 has them, written with one call to the transport.

aiohttp builds a header dictionary for each response and then serialises it, which costs more than all our verifying.
Ours are nearly the same for every request, so they are rendered once. What aiohttp asks of a response is `prepare`,
`write_eof` and `keep_alive`; tests/core/test_answers.py holds this class to what a client must see.
"""

import json
import math
import time
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from aiohttp import HttpVersion11, hdrs, web

from core.errors import Refusal

encode_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode

SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Server": "authlab",
}
"""On every answer unless it replaces them: nothing is cached, sniffed or framed, and the version stays ours."""


class Answer:
    """One response. `headers` go beside those that every answer has, or replace them."""

    __slots__ = ("_closing", "_content_type", "body", "headers", "keep_alive", "request_id", "status")

    def __init__(self, status: int, content_type: str | None, body: bytes = b"") -> None:
        self.status = status
        self.body = body
        self.headers: dict[str, str] = {}
        self.request_id = ""
        self.keep_alive = True
        self._content_type = content_type
        self._closing = False

    def force_close(self) -> None:
        """Tell the client that this connection ends with this answer."""
        self._closing = True

    async def prepare(self, request: web.BaseRequest) -> None:
        """Write all of it. Waits while a client that sends and does not read has filled the buffers."""
        self.write(request)
        if request.protocol.writing_paused:
            await request.protocol._drain_helper()  # noqa: SLF001 - what aiohttp's own writer waits on

    def write(self, request: web.BaseRequest) -> None:
        """Write all of it at once; raise `ConnectionResetError` when the client is gone."""
        self.keep_alive = keep_alive = request.keep_alive and not self._closing
        if keep_alive and request.version >= HttpVersion11:
            connection = ""
        else:
            connection = "Connection: keep-alive\r\n" if keep_alive else "Connection: close\r\n"
        fixed = _fixed_head(self.status, self._content_type, frozenset(self.headers) if self.headers else frozenset())
        extra = (
            "".join([f"{name}: {_one_line(value)}\r\n" for name, value in self.headers.items()]) if self.headers else ""
        )
        length = "" if self.status in _WITHOUT_BODY else f"Content-Length: {len(self.body)}\r\n"
        head = f"{fixed}{length}X-Request-Id: {self.request_id}\r\n{_date(int(time.time()))}{extra}{connection}\r\n"
        body = self.body if request.method != hdrs.METH_HEAD else b""  # or the next answer would begin inside it
        request.protocol.send(head.encode("latin-1") + body)  # type: ignore[attr-defined] # it is a core.connection.Connection

    def rendered(self) -> bytes:
        """Return the bytes for a kept-alive HTTP/1.1 connection whose request nobody parsed."""
        headers = {**self.headers, "Content-Length": str(len(self.body)), "X-Request-Id": self.request_id}
        lines = "".join([f"{name}: {_one_line(value)}\r\n" for name, value in headers.items()])
        head = f"{_fixed_head(self.status, self._content_type, frozenset())}{_date(int(time.time()))}{lines}\r\n"
        return head.encode("latin-1") + self.body

    async def write_eof(self) -> None:
        """Do nothing: `prepare` wrote all of it."""


_WITHOUT_BODY = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


@lru_cache(maxsize=256)
def _fixed_head(status: int, content_type: str | None, replaced: frozenset[str]) -> str:
    headers = {name: value for name, value in SAFE_HEADERS.items() if name not in replaced}
    if content_type is not None:
        headers["Content-Type"] = content_type
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{lines}"


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return f"Date: {formatdate(second, usegmt=True)}\r\n"


def _one_line(value: str) -> str:
    if "\r" in value or "\n" in value:
        raise ValueError("a header value is one line")
    return value


def json_answer(body: Any, *, status: int = 200) -> Answer:
    """Answer with JSON."""
    return Answer(status, "application/json", encode_json(body).encode())


def empty_answer(status: int = 204) -> Answer:
    """Answer without a body."""
    return Answer(status, None)


def text_answer(body: str | bytes, content_type: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Answer with text of a given type; `headers` replace the usual ones."""
    answer = Answer(HTTPStatus.OK, content_type, body.encode() if isinstance(body, str) else body)
    answer.headers.update(headers or {})
    return answer


def problem_answer(refusal: Refusal) -> Answer:
    """Answer with the problem that a refusal is. `reason` stays inside."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": refusal.title,
        "status": refusal.status,
        "code": refusal.code,
    }
    if refusal.detail is not None:
        body["detail"] = refusal.detail
    answer = Answer(refusal.status, "application/problem+json", encode_json(body).encode())
    tell_retry(answer, refusal)
    return answer


def tell_retry(answer: Answer, refusal: Refusal) -> None:
    """Say when to come back, in whole seconds (RFC 9110 §10.2.3)."""
    if refusal.retry_after_s is not None:
        answer.headers["Retry-After"] = str(max(1, math.ceil(refusal.retry_after_s)))
