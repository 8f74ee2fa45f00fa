"""The API behind both sides, the same to the byte: what a caller gets once recognised."""

from typing import Any

from aiohttp import web
from pydantic import BaseModel, Field

from core.answers import Answer, json_answer
from core.authorization import PUBLIC, SIGNED_IN, needs
from core.body import Body, WholeNumber, read_json
from core.endpoint import Endpoint
from core.frame import SUBJECT
from core.subject import Subject

_ITEMS = ("apples", "pears", "quinces", "plums", "cherries", "medlars")
_GUEST = Subject("nobody", "guest", "Guest", ("user",), ("orders:read", "orders:write"), 1767225600.123)
"""What `/unguarded` answers about: as long as a demo account, so that the control moves the same bytes as `/me`."""


class Me(BaseModel):
    """Who the server takes the caller for. `issued_at` is Unix seconds: when that was true."""

    sub: str
    name: str
    roles: list[str]
    scope: str
    server: str
    strategy: str
    issued_at: float


class Order(BaseModel):
    """One order."""

    id: str
    item: str
    quantity: int


class Orders(BaseModel):
    """All orders of the caller."""

    orders: list[Order]


class NewOrder(Body):
    """What a client orders."""

    item: str = Field(min_length=1, max_length=100)
    quantity: WholeNumber = Field(ge=1, le=1000)


class Events(BaseModel):
    """What an auditor sees."""

    events: list[dict[str, Any]]


def guarded_endpoints(server: str, strategy: str) -> list[Endpoint]:
    """Return the guarded API of one server that recognises callers with one strategy."""

    def describe(subject: Subject) -> Answer:
        return json_answer(
            {
                "sub": subject.id,
                "name": subject.name,
                "roles": subject.roles,
                "scope": " ".join(subject.scopes),
                "server": server,
                "strategy": strategy,
                "issued_at": subject.issued_at,
            }
        )

    async def unguarded(_request: web.Request) -> Answer:
        return describe(_GUEST)

    async def me(request: web.Request) -> Answer:
        return describe(request[SUBJECT])

    async def list_orders(request: web.Request) -> Answer:
        return json_answer({"orders": _sample_orders(request[SUBJECT])})

    async def post_order(request: web.Request) -> Answer:
        order = await read_json(request, NewOrder)
        return json_answer({"id": f"{request[SUBJECT].id}-new", **order.model_dump()}, status=201)

    async def audit(request: web.Request) -> Answer:
        return json_answer({"events": [{"event": "audit.read", "by": request[SUBJECT].id, "server": server}]})

    return [
        Endpoint("GET", "/unguarded", unguarded, PUBLIC, "The control: /me without authentication", {200: Me}),
        Endpoint("GET", "/me", me, SIGNED_IN, "Who the server takes you for", {200: Me}),
        Endpoint("GET", "/orders", list_orders, needs(scope="orders:read"), "Your orders", {200: Orders}),
        Endpoint(
            "POST", "/orders", post_order, needs(scope="orders:write"), "Order; it is echoed, not kept",
            {201: Order}, takes_json=NewOrder,
        ),
        Endpoint("GET", "/admin/audit", audit, needs(role="admin"), "What an auditor sees", {200: Events}),
    ]  # fmt: skip


def _sample_orders(subject: Subject) -> list[dict[str, Any]]:
    """Make up orders that are always the same for one subject, so that a mix-up of subjects shows."""
    seed = sum(subject.id.encode())
    return [
        {
            "id": f"{subject.id}-{number}",
            "item": _ITEMS[(seed + number) % len(_ITEMS)],
            "quantity": (seed * number) % 9 + 1,
        }
        for number in (1, 2, 3)
    ]
