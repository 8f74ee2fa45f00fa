"""Answers: JSON, and problems as RFC 9457 has them."""

import json
import math
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from core.errors import Refusal

encode_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode

SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Server": "authlab",
}
"""On every answer: nothing is cached, sniffed or framed, and the software's version is nobody's business."""

_JSON = CIMultiDict({"Content-Type": "application/json", **SAFE_HEADERS})
_PROBLEM = CIMultiDict({"Content-Type": "application/problem+json", **SAFE_HEADERS})
_EMPTY = CIMultiDict(SAFE_HEADERS)


def json_answer(body: Any, *, status: int = 200) -> web.Response:
    """Answer with JSON."""
    return web.Response(body=encode_json(body).encode(), status=status, headers=_JSON)


def empty_answer(status: int = 204) -> web.Response:
    """Answer without a body."""
    return web.Response(status=status, headers=_EMPTY)


def text_answer(body: str | bytes, content_type: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """Answer with text of a given type; `headers` replace the usual ones."""
    data = body.encode() if isinstance(body, str) else body
    return web.Response(body=data, headers={**SAFE_HEADERS, "Content-Type": content_type, **(headers or {})})


def problem_answer(refusal: Refusal) -> web.Response:
    """Answer with the problem that a refusal is. `reason` stays inside."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": refusal.title,
        "status": refusal.status,
        "code": refusal.code,
    }
    if refusal.detail is not None:
        body["detail"] = refusal.detail
    response = web.Response(body=encode_json(body).encode(), status=refusal.status, headers=_PROBLEM)
    if refusal.retry_after_s is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(refusal.retry_after_s)))
    return response
