"""Changing one's own password (PWD-08)."""

from typing import Any

import pytest

from tests.auth_server.member import Member, error_of, is_accepted, log_in, refresh
from tests.support.environments import CLIENTS
from tests.support.servers import Server, Servers

OLD, NEW = "alice-demo-password", "another long and winding phrase"


@pytest.fixture
async def auth(servers: Servers, redis_url: str) -> Server:
    return await servers.auth(redis_url)


async def change(auth: Server, member: Member, old: str = OLD, new: str = NEW) -> Any:
    return await auth.post("/password", body={"current_password": old, "new_password": new}, token=member.access)


async def can_log_in(auth: Server, password: str) -> bool:
    return (await auth.post("/login", body={"username": "alice", "password": password})).status == 200


async def test_the_new_password_replaces_the_old_one_and_everybody_is_out(auth: Server, logged: list[Any]) -> None:
    one, other = await log_in(auth), await log_in(auth)
    assert 204 == (await change(auth, one)).status
    assert [False, False] == [await is_accepted(auth, member.access) for member in (one, other)]
    assert (400, "invalid_grant") == error_of(await refresh(auth, other.refresh))
    assert [False, True] == [await can_log_in(auth, password) for password in (OLD, NEW)]
    (event,) = [event for event in logged if event["event"] == "account.password"]
    assert ("alice", "alice") == (event["sub"], event["by"])
    assert NEW not in str(logged)


async def test_a_stolen_token_is_not_enough(auth: Server) -> None:
    """Whoever changes a password knows the present one; guessing it here is guessing it at the login."""
    member = await log_in(auth)
    answers = [await change(auth, member, old=f"guess {number}") for number in range(12)]
    assert [401] * 10 + [429] * 2 == [answer.status for answer in answers]
    assert "bad_credentials" == answers[0].code
    assert await is_accepted(auth, member.access)


@pytest.mark.parametrize("new", ["short", "passwordpassword", "alice-alice-alice", "x" * 257])
async def test_a_weak_password_is_not_taken(auth: Server, new: str) -> None:
    member = await log_in(auth)
    answer = await change(auth, member, new=new)
    assert (400, "bad_request") == (answer.status, answer.code)
    assert await can_log_in(auth, OLD)


async def test_a_service_has_no_password(auth: Server) -> None:
    client = ("demo-service", CLIENTS["demo-service"])
    token = (await auth.post("/oauth/token", form={"grant_type": "client_credentials"}, client=client)).json
    assert 401 == (await change(auth, Member(token["access_token"], ""))).status


async def test_without_a_store_there_is_nothing_to_change(servers: Servers) -> None:
    auth = await servers.auth()
    answer = await auth.login("alice")
    changed = await change(auth, Member(answer.json["access_token"], ""))
    assert (501, "no_store") == (changed.status, changed.code)
