"""Both ways to recognise a caller, walked through from login to logout against real processes."""

from collections.abc import Mapping
from typing import Any

import psutil
import pytest
from aiohttp import ClientSession

from tests.support.caller import Caller, set_cookie
from tests.support.patience import until
from tests.system.house import RESOURCES, SESSIONS, House

ORDER = {"item": "quinces", "quantity": 3}
EXPECTED: Mapping[str, Mapping[str, int]] = {
    "alice": {"GET /me": 200, "GET /orders": 200, "POST /orders": 201, "GET /admin/audit": 403},
    "bob": {"GET /me": 200, "GET /orders": 200, "POST /orders": 403, "GET /admin/audit": 403},
    "root": {"GET /me": 200, "GET /orders": 200, "POST /orders": 201, "GET /admin/audit": 200},
}


async def outcomes(caller: Caller, **credential: Any) -> dict[str, int]:
    """Return what the guarded API answers to a credential."""
    found = {}
    for call in EXPECTED["alice"]:
        method, path = call.split()
        body = ORDER if method == "POST" else None
        found[call] = (await caller.send(method, path, body=body, **credential)).status
    return found


@pytest.mark.parametrize("username", EXPECTED)
async def test_one_token_opens_the_same_doors_at_every_resource_server(
    house: House, session: ClientSession, username: str
) -> None:
    login = await Caller(house.url("auth"), session).login(username)
    for name, strategy in RESOURCES.items():
        caller = Caller(house.url(name), session)
        assert EXPECTED[username] == await outcomes(caller, token=login.json["access_token"]), name
        me = (await caller.get("/me", token=login.json["access_token"])).json
        assert (username, name, strategy) == (me["sub"], me["server"], me["strategy"])


@pytest.mark.parametrize("username", EXPECTED)
@pytest.mark.parametrize("name", SESSIONS)
async def test_a_cookie_opens_the_same_doors_as_a_token(
    house: House, session: ClientSession, username: str, name: str
) -> None:
    caller = Caller(house.url(name), session)
    login = await caller.login(username)
    assert EXPECTED[username] == await outcomes(caller, cookie=set_cookie(login), csrf=login.json["csrf_token"])
    me = (await caller.get("/me", cookie=set_cookie(login))).json
    assert (username, name, SESSIONS[name]) == (me["sub"], me["server"], me["strategy"])


async def test_servers_that_share_a_store_know_each_others_sessions(house: House, session: ClientSession) -> None:
    first = Caller(house.url("session-1"), session)
    login = await first.login()
    cookie, csrf = set_cookie(login), login.json["csrf_token"]
    for name, status in {"session-2": 200, "tracked-1": 200, "memory-1": 401}.items():
        assert status == (await Caller(house.url(name), session).get("/me", cookie=cookie)).status
    assert 204 == (await first.post("/logout", cookie=cookie, csrf=csrf)).status
    assert 401 == (await Caller(house.url("session-2"), session).get("/me", cookie=cookie)).status

    async def tracked_refuses() -> bool:
        return (await Caller(house.url("tracked-1"), session).get("/me", cookie=cookie)).status == 401

    assert await until(tracked_refuses) < 1


async def test_after_a_logout_each_strategy_is_as_late_as_it_says(house: House, session: ClientSession) -> None:
    auth = Caller(house.url("auth"), session)
    token = (await auth.login()).json["access_token"]
    callers = {name: Caller(house.url(name), session) for name in RESOURCES}
    assert {200} == {(await caller.get("/me", token=token)).status for caller in callers.values()}
    assert 204 == (await auth.post("/logout", token=token)).status
    statuses = {name: (await callers[name].get("/me", token=token)).status for name in ("denylisted", "introspected")}
    assert {401} == set(statuses.values())
    assert {200} == {(await callers[name].get("/me", token=token)).status for name in ("resource-1", "resource-2")}

    async def pushed_refuses() -> bool:
        return (await callers["pushed"].get("/me", token=token)).status == 401

    assert await until(pushed_refuses) < 1


async def test_every_server_is_alive_ready_and_describes_itself(house: House, session: ClientSession) -> None:
    for name in house.servers:
        caller = Caller(house.url(name), session)
        statuses = [
            (await caller.get(path)).status for path in ("/livez", "/readyz", "/metrics", "/openapi.json", "/docs")
        ]
        assert [200] * 5 == statuses, name
        page = (await caller.get("/docs")).body
        assert b"://" not in page.replace(b"http://www.w3.org", b""), "it works offline"
        assert b"<script" not in page


def test_no_secret_is_on_a_command_line_or_in_an_environment(house: House) -> None:
    """KEY-09."""
    secrets = house.secrets()
    assert secrets
    for server in house.servers.values():
        process = psutil.Process(server.pid)
        seen = " ".join([*process.cmdline(), *process.environ().values()])
        assert [] == [secret[:8] for secret in secrets if secret in seen]
