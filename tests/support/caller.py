"""A client that follows nothing, remembers nothing and hides nothing: what a test sends is what leaves."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import aiohttp
from multidict import CIMultiDict, CIMultiDictProxy

_DEADLINE_S = 15.0
_TRIES = 20


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The `code` of a problem (RFC 9457); for anything else an assertion fails."""
        assert "application/problem+json" == self.headers["Content-Type"], self
        problem = self.json
        assert self.status == problem["status"], "RFC 9457: the member repeats the status of the answer"
        code: str = problem["code"]
        return code


@dataclass(frozen=True)
class Caller:
    """Calls one server."""

    url: str
    session: aiohttp.ClientSession = field(repr=False)

    async def send(  # noqa: PLR0913 - one place that spells out what a request can carry
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        form: Mapping[str, str] | str | None = None,
        raw: bytes | None = None,
        token: str | None = None,
        cookie: str | None = None,
        csrf: str | None = None,
        client: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request and return its answer. `body` goes as JSON, `form` as a form, `raw` as it is."""
        sent = CIMultiDict(headers or {})
        data = raw
        if body is not None:
            data = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        if form is not None:
            data = (form if isinstance(form, str) else urlencode(form)).encode()
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if client is not None:
            sent["Authorization"] = "Basic " + base64.b64encode(":".join(client).encode()).decode()
        if cookie is not None:
            sent["Cookie"] = cookie
        if csrf is not None:
            sent["X-CSRF-Token"] = csrf
        async with self.session.request(
            method, self.url + path, data=data, headers=sent, allow_redirects=False, skip_auto_headers=("Content-Type",)
        ) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def insist(self, method: str, path: str, **parts: Any) -> Answer:
        """Send, and come back when told to: a busy machine may shed a crowd, and that is another test's concern."""
        for _ in range(_TRIES):
            answer = await self.send(method, path, **parts)
            if answer.status != HTTPStatus.SERVICE_UNAVAILABLE:
                break
            await asyncio.sleep(float(answer.headers["Retry-After"]))
        return answer

    async def get(self, path: str, **parts: Any) -> Answer:
        """GET."""
        return await self.send("GET", path, **parts)

    async def post(self, path: str, **parts: Any) -> Answer:
        """POST."""
        return await self.send("POST", path, **parts)

    async def delete(self, path: str, **parts: Any) -> Answer:
        """DELETE."""
        return await self.send("DELETE", path, **parts)

    async def login(self, username: str = "alice", **more: Any) -> Answer:
        """Log in with a demo account's password."""
        return await self.post("/login", body={"username": username, "password": f"{username}-demo-password", **more})


@asynccontextmanager
async def calling() -> AsyncIterator[aiohttp.ClientSession]:
    """Open a client session without cookies, retries or compression."""
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=_DEADLINE_S),
        connector=aiohttp.TCPConnector(limit=0),
        headers={"User-Agent": "a test", "Accept-Encoding": "identity"},
    ) as session:
        yield session


def set_cookie(answer: Answer) -> str:
    """Return `name=value` of the one cookie that an answer sets."""
    (value,) = answer.headers.getall("Set-Cookie")
    return str(value).partition(";")[0]
