"""One route: what it does, what it demands, what it takes and gives. Routing, authorization and OpenAPI all read it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web
from pydantic import BaseModel

from core.answers import Answer
from core.authorization import Policy

Handler = Callable[[web.Request], Awaitable[Answer]]


@dataclass(frozen=True)
class Endpoint:
    """A handler under a method and a path. `answers` maps a status to the model of its body, None for none."""

    method: str
    path: str
    handler: Handler
    policy: Policy
    summary: str
    answers: Mapping[int, type[BaseModel] | None] = field(default_factory=dict)
    takes_json: type[BaseModel] | None = None
    takes_form: type[BaseModel] | None = None
    errors: tuple[int, ...] = ()
    answers_type: str = "application/json"
    errors_are_oauth: bool = False
