"""The API behind both sides: who gets what, once recognised."""

from typing import Any

import pytest

from core.keys import secret_thumbprint
from tests.attacks.forge import claims, signed
from tests.support.environments import ISSUER, shared_secret
from tests.support.servers import Server, Servers


@pytest.fixture
async def server(servers: Servers) -> Server:
    return await servers.resource(NAME="resource-7")


def token(sub: str = "alice", **changes: object) -> str:
    header = {"alg": "HS256", "typ": "at+jwt", "kid": secret_thumbprint(shared_secret())}
    return signed(header, claims(ISSUER, sub=sub, **changes), shared_secret())


async def test_me_is_who_the_token_speaks_of(server: Server) -> None:
    good = claims(ISSUER, sub="alice", name="Alice", roles=["user"])
    header = {"alg": "HS256", "typ": "at+jwt", "kid": secret_thumbprint(shared_secret())}
    body = (await server.get("/me", token=signed(header, good, shared_secret()))).json
    assert {
        "sub": "alice", "name": "Alice", "roles": ["user"], "scope": "orders:read orders:write",
        "server": "resource-7", "strategy": "plain-jwt", "issued_at": good["iat"],
    } == body  # fmt: skip


async def test_the_control_answers_in_the_same_size(server: Server) -> None:
    """Or the benchmark would compare two things."""
    control = await server.get("/unguarded")
    me = await server.get("/me", token=token(name="Alice", roles=["user"]))
    assert set(control.json) == set(me.json)
    assert abs(len(control.body) - len(me.body)) <= 6


async def test_orders_are_those_of_the_subject(server: Server) -> None:
    mine, theirs = [(await server.get("/orders", token=token(sub))).json["orders"] for sub in ("alice", "bob")]
    assert [3, 3] == [len(mine), len(theirs)]
    assert {"alice"} == {order["id"].partition("-")[0] for order in mine}
    assert mine != theirs
    assert mine == (await server.get("/orders", token=token())).json["orders"]


async def test_an_order_is_echoed_and_not_kept(server: Server) -> None:
    order = {"item": "quinces & <b>pears</b> ß", "quantity": 3}
    answer = await server.post("/orders", body=order, token=token())
    assert (201, {"id": "alice-new", **order}) == (answer.status, answer.json)
    assert str(order["item"]) not in str((await server.get("/orders", token=token())).json)


@pytest.mark.parametrize(
    "order",
    [
        {}, {"item": "a"}, {"quantity": 1}, {"item": "", "quantity": 1}, {"item": "x" * 101, "quantity": 1},
        {"item": "a", "quantity": 0}, {"item": "a", "quantity": 1001}, {"item": "a", "quantity": "1"},
        {"item": "a", "quantity": 1, "price": 0}, {"item": 1, "quantity": 1},
    ],
)  # fmt: skip
async def test_an_order_that_makes_no_sense_is_a_bad_request(server: Server, order: dict[str, Any]) -> None:
    answer = await server.post("/orders", body=order, token=token())
    assert (400, "bad_request") == (answer.status, answer.code)


async def test_who_may_not_order_is_told_so_before_the_body_is_read(server: Server) -> None:
    answer = await server.post("/orders", raw=b"nonsense", token=token(scope="orders:read"))
    assert 403 == answer.status


async def test_the_audit_is_for_admins(server: Server) -> None:
    answer = await server.get("/admin/audit", token=token("root", roles=["admin"]))
    assert (200, "root") == (answer.status, answer.json["events"][0]["by"])
    assert 403 == (await server.get("/admin/audit", token=token(roles=["administrator"]))).status
