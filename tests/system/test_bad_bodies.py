"""Every endpoint of every server that takes JSON refuses what is none, and changes nothing."""

from typing import Any

import pytest
from aiohttp import ClientSession

from tests.support.caller import Caller, set_cookie
from tests.system.house import RESOURCES, SESSIONS, House

JSON = "application/json"
BAD_BODIES: dict[str, tuple[bytes, str, int]] = {
    "nothing": (b"", JSON, 400),
    "no JSON": (b"{", JSON, 400),
    "no object": (b"[]", JSON, 400),
    "two members of one name": (b'{"a": 1, "a": 2}', JSON, 400),
    "not a number": (b'{"quantity": NaN}', JSON, 400),
    "no UTF-8": (b'{"item": "\xff"}', JSON, 400),
    "a byte order mark": (b"\xef\xbb\xbf{}", JSON, 400),
    "a lone surrogate": (rb'{"username": "\ud800", "password": "x"}', JSON, 400),
    "unknown members": (b'{"surprise": true}', JSON, 400),
    "wrong types": (b'{"username": 1, "password": [], "item": {}, "quantity": "2", "roles": "admin"}', JSON, 400),
    "nested too deeply": (b'{"a":' * 2500 + b"1" + b"}" * 2500, JSON, 400),
    "too large": (b'{"item": "' + b"x" * 20_000 + b'"}', JSON, 413),
    "text": (b"{}", "text/plain", 415),
    "a form": (b"a=b", "application/x-www-form-urlencoded", 415),
    "no type": (b"{}", "", 415),
    "another charset": (b"{}", f"{JSON}; charset=utf-16", 415),
}
CODES = {400: "bad_request", 413: "too_large", 415: "unsupported_media_type"}


async def _proofs(house: House, session: ClientSession, name: str) -> dict[str, Any]:
    """Return what an admin sends to be recognised by a server."""
    if name in SESSIONS:
        login = await Caller(house.url(name), session).login("root")
        return {"cookie": set_cookie(login), "csrf": login.json["csrf_token"]}
    return {"token": (await Caller(house.url("auth"), session).login("root")).json["access_token"]}


@pytest.mark.parametrize("name", ["auth", *RESOURCES, *SESSIONS])
async def test_a_bad_body_gets_a_problem_from_every_endpoint_that_takes_json(
    name: str, house: House, session: ClientSession
) -> None:
    """The endpoints are read from the server's own description, so that a new one is tested without a line here."""
    server = Caller(house.url(name), session)
    proofs = await _proofs(house, session, name)
    takers = [
        (method.upper(), path.replace("{name}", "alice"))
        for path, operations in (await server.get("/openapi.json")).json["paths"].items()
        for method, operation in operations.items()
        if JSON in operation.get("requestBody", {}).get("content", {})
    ]
    assert takers
    for method, path in takers:
        for kind, (body, content_type, expected) in BAD_BODIES.items():
            headers = {"Content-Type": content_type} if content_type else {}
            answer = await server.send(method, path, raw=body, headers=headers, **proofs)
            assert (expected, CODES[expected]) == (answer.status, answer.code), (path, kind, answer)
    own = "/logins" if name == "auth" else "/me"
    assert 200 == (await server.get(own, **proofs)).status, "and nothing was changed"
