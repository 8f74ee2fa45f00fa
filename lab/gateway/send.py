"""`/lab/send`: send requests that no browser would send, such as one with an old cookie or a forged token."""

import asyncio
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from lab.gateway.access import LEARNER, problem
from lab.gateway.exchanges import Errand
from lab.gateway.forward import EXCHANGES
from lab.gateway.json_body import json_body
from lab.gateway.wire import BadRequestLine, Request

MAX_AT_ONCE = 64
Line = Annotated[str, StringConstraints(max_length=32 * 1024)]


class ToSend(BaseModel):
    """One request."""

    model_config = ConfigDict(extra="forbid")

    server: str
    method: Line = "GET"
    target: Line = "/me"
    headers: list[tuple[Line, Line]] = Field(default=[], max_length=64)
    body: Line = ""
    action: str = Field(default="", max_length=100)


class ManyToSend(BaseModel):
    """Several requests, one after the other or all at the same time."""

    model_config = ConfigDict(extra="forbid")

    requests: list[ToSend] = Field(min_length=1, max_length=MAX_AT_ONCE)
    together: bool = False


async def send(request: web.Request) -> web.StreamResponse:
    """Send what the page composed; the answer names the events, in the order of the requests."""
    wanted = await json_body(request, ManyToSend)
    learner, exchanges = request[LEARNER], request.app[EXCHANGES]
    errands = []
    for one in wanted.requests:
        server = learner.dealer.deal(one.server)
        if server is None:
            return problem(404, "no_such_server", f"There is no server called {one.server} here.")
        dealt_from = one.server if server.name != one.server else None
        try:
            composed = Request(one.method, one.target, one.headers, one.body.encode())
            composed.encoded()
        except BadRequestLine as error:
            return problem(400, "bad_request", str(error))
        errands.append(Errand(server, composed, one.action, sent_by="lab", dealt_from=dealt_from))
    if wanted.together:
        outcomes = await asyncio.gather(*(exchanges.run(errand, learner) for errand in errands))
    else:
        outcomes = [await exchanges.run(errand, learner) for errand in errands]
    return web.json_response({"events": [outcome.number for outcome in outcomes]})
