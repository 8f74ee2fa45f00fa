"""The steps around a handler: reading the header, authorizing, counting, writing the answer."""

from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

from aiohttp import HttpVersion11, hdrs, web
from multidict import CIMultiDict, CIMultiDictProxy

from bench.micro.timing import Step, calling
from core.answers import encode_json, json_answer
from core.authorization import authorize, needs
from core.bearer import bearer_token
from core.metrics import Metrics
from core.subject import Subject

_SUBJECT = Subject(
    "http://127.0.0.1:8471", "u0001", "U0001", ("user",), ("orders:read", "orders:write"), 1767225600.123
)
_BODY: dict[str, Any] = {
    "sub": "u0001",
    "name": "U0001",
    "roles": ("user",),
    "scope": "orders:read orders:write",
    "server": "resource-1",
    "strategy": "plain-jwt",
    "issued_at": 1767225600.123,
}
_TOKEN_CHARS = 471


class _Connection:
    """Takes what is sent and drops it: what the kernel does with it is no part of a step."""

    def send(self, data: bytes) -> None:
        """Drop it."""


def answer_steps() -> Iterator[Step]:
    """Return every step that both sides have."""
    request = _request()
    route = Metrics().route("GET", "/me")

    def written() -> None:
        json_answer(_BODY).write(request)

    yield Step("answer", "bearer token from the headers", calling(partial(bearer_token, request)))
    yield Step("answer", "authorize a scope", calling(partial(authorize, _SUBJECT, needs(scope="orders:read"))))
    yield Step("answer", "body to JSON", calling(partial(encode_json, _BODY)))
    yield Step("answer", "answer rendered and handed to the connection", calling(written))
    yield Step("answer", "count one request", calling(partial(route.observe, 200, 0.0004)))


def _request() -> web.Request:
    """Return as much of a request as the steps look at; aiohttp's own is made by its parser alone."""
    headers = CIMultiDictProxy(
        CIMultiDict({hdrs.HOST: "127.0.0.1:8481", hdrs.AUTHORIZATION: f"Bearer {'x' * _TOKEN_CHARS}"})
    )
    parts = SimpleNamespace(
        method="GET", version=HttpVersion11, keep_alive=True, headers=headers, protocol=_Connection()
    )
    return cast("web.Request", parts)
