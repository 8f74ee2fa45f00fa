"""Refresh families (OAU-01 to OAU-07): one use each, one successor, and a thief ends what they stole."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from core import redis_keys
from core.strict_json import is_256_bits
from tests.attacks.forge import parts
from tests.auth_server.member import error_of, introspected, is_accepted, let_time_pass, log_in, refresh, refreshed
from tests.support.servers import Server, Servers
from tests.support.stores import dump

INVALID_GRANT = (400, "invalid_grant")


@pytest.fixture
async def auth(servers: Servers, redis_url: str) -> Server:
    return await servers.auth(redis_url)


async def test_a_refresh_token_is_opaque_and_gives_new_tokens(auth: Server) -> None:
    member = await log_in(auth)
    assert is_256_bits(member.refresh)
    answer = await refresh(auth, member.refresh)
    assert {"access_token", "token_type", "expires_in", "scope", "refresh_token"} == set(answer.json)
    assert ("Bearer", "no-store") == (answer.json["token_type"], answer.headers["Cache-Control"])
    assert member.refresh != answer.json["refresh_token"]
    before, after = (parts(token)[1] for token in (member.access, answer.json["access_token"]))
    assert before["jti"] != after["jti"]
    assert [before[name] for name in ("sub", "sid", "scope", "aud", "roles", "name")] == [
        after[name] for name in ("sub", "sid", "scope", "aud", "roles", "name")
    ]
    assert before["iat"] <= after["iat"]


async def test_a_family_goes_on_for_many_generations(auth: Server) -> None:
    member = await log_in(auth)
    seen = {member.refresh}
    for _ in range(20):
        member = await refreshed(auth, member.refresh)
        seen.add(member.refresh)
    assert 21 == len(seen)
    assert await is_accepted(auth, member.access)


async def test_a_hundred_parallel_refreshes_yield_one_successor(auth: Server) -> None:
    member = await log_in(auth)
    answers = await asyncio.gather(*(refresh(auth, member.refresh) for _ in range(100)))
    assert {200} == {answer.status for answer in answers} - {503}, "a busy machine may shed some, and refuses none"
    (successor,) = {answer.json["refresh_token"] for answer in answers if answer.status == 200}
    await refreshed(auth, successor)


async def test_two_servers_give_the_same_successor(servers: Servers, redis_url: str) -> None:
    servers_of_one = [await servers.auth(redis_url) for _ in range(2)]
    member = await log_in(servers_of_one[0])
    answers = await asyncio.gather(*(refresh(servers_of_one[n % 2], member.refresh) for n in range(10)))
    assert {200} == {answer.status for answer in answers}
    assert 1 == len({answer.json["refresh_token"] for answer in answers})


async def test_a_retry_within_ten_seconds_gets_the_same_successor(auth: Server, redis: Redis) -> None:
    """OAU-04: the answer may have been lost after the store had changed."""
    member = await log_in(auth)
    successor = (await refreshed(auth, member.refresh)).refresh
    await let_time_pass(redis, 9)
    retried = await refreshed(auth, member.refresh)
    assert successor == retried.refresh
    assert await is_accepted(auth, retried.access)
    await refreshed(auth, successor)


async def test_reuse_after_ten_seconds_ends_the_family(auth: Server, redis: Redis, logged: list[Any]) -> None:
    """OAU-03: either the client or a thief holds an old token; nobody can tell which, so both are out."""
    stolen = await log_in(auth)
    legitimate = await refreshed(auth, stolen.refresh)
    await let_time_pass(redis, 10.1)
    assert INVALID_GRANT == error_of(await refresh(auth, stolen.refresh))
    assert INVALID_GRANT == error_of(await refresh(auth, legitimate.refresh))
    assert [False, False] == [await is_accepted(auth, access) for access in (stolen.access, legitimate.access)]
    (event,) = [event for event in logged if event["event"] == "refresh.reused"]
    assert ("alice", "authlab-web", "warning") == (event["sub"], event["client"], event["log_level"])
    assert stolen.refresh not in json.dumps(logged)


async def test_reuse_of_any_ancestor_ends_the_family(auth: Server, redis: Redis) -> None:
    first = await log_in(auth)
    member = first
    for _ in range(3):
        member = await refreshed(auth, member.refresh)
    await let_time_pass(redis, 11)
    assert INVALID_GRANT == error_of(await refresh(auth, first.refresh))
    assert not await is_accepted(auth, member.access)
    assert INVALID_GRANT == error_of(await refresh(auth, member.refresh))


async def test_an_old_token_with_too_much_scope_is_reuse_all_the_same(auth: Server, redis: Redis) -> None:
    first = await log_in(auth)
    second = await refreshed(auth, first.refresh)
    await let_time_pass(redis, 11)
    answer = await refresh(auth, first.refresh, scope="orders:read everything")
    assert INVALID_GRANT == error_of(answer)
    assert INVALID_GRANT == error_of(await refresh(auth, second.refresh))


async def test_within_ten_seconds_a_token_whose_successor_was_used_is_refused_and_the_family_stands(
    auth: Server,
) -> None:
    """Two tabs: the slower one must not log the user out."""
    first = await log_in(auth)
    second = await refreshed(auth, first.refresh)
    third = await refreshed(auth, second.refresh)
    assert INVALID_GRANT == error_of(await refresh(auth, first.refresh))
    assert await is_accepted(auth, third.access)
    await refreshed(auth, third.refresh)


async def test_another_family_of_the_account_is_not_concerned(auth: Server, redis: Redis) -> None:
    stolen, other = await log_in(auth), await log_in(auth)
    await refreshed(auth, stolen.refresh)
    await let_time_pass(redis, 11)
    await refresh(auth, stolen.refresh)
    assert await is_accepted(auth, other.access)
    await refreshed(auth, other.refresh)


async def test_scope_may_narrow_and_never_widen(auth: Server) -> None:
    """RFC 6749 §6: what is not asked for now may be asked for later; the login's own scope is the limit."""
    member = await log_in(auth, "alice")
    answer = await refresh(auth, member.refresh, scope="orders:read")
    assert ("orders:read", "orders:read") == (answer.json["scope"], parts(answer.json["access_token"])[1]["scope"])
    wide = await refresh(auth, answer.json["refresh_token"])
    assert "orders:read orders:write" == wide.json["scope"]
    token = wide.json["refresh_token"]
    for scope in ("admin", "orders:read admin", "orders", "*"):
        assert (400, "invalid_scope") == error_of(await refresh(auth, token, scope=scope))
    await refreshed(auth, token, scope="orders:write orders:read")


async def test_a_refused_scope_uses_nothing_up(auth: Server) -> None:
    member = await log_in(auth)
    for _ in range(3):
        assert (400, "invalid_scope") == error_of(await refresh(auth, member.refresh, scope="admin"))
    await refreshed(auth, member.refresh)


@pytest.fixture
def clients_file(tmp_path: Path) -> str:
    """Write a file with a second public client."""
    path = tmp_path / "clients.toml"
    path.write_text(
        '[clients.authlab-web]\ngrants = ["refresh_token"]\nscopes = ["orders:read", "orders:write"]\n'
        '[clients.other-web]\ngrants = ["refresh_token"]\nscopes = ["orders:read"]\n'
    )
    return str(path)


async def test_another_client_cannot_use_it(servers: Servers, redis_url: str, clients_file: str) -> None:
    """OAU-06. The thief's attempt must not end the owner's login either, or anybody could log anybody out."""
    auth = await servers.auth(redis_url, AUTH_CLIENTS_FILE=clients_file)
    member = await log_in(auth)
    assert INVALID_GRANT == error_of(await refresh(auth, member.refresh, client_id="other-web"))
    await refreshed(auth, member.refresh)


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "A" * 44, "é" * 43, "../../x", "A" * 5000])
async def test_a_made_up_token_is_an_invalid_grant(auth: Server, token: str) -> None:
    error = error_of(await refresh(auth, token))
    assert error == ((400, "invalid_request") if token == "" else INVALID_GRANT)


async def test_an_access_token_is_no_refresh_token(auth: Server) -> None:
    member = await log_in(auth)
    opaque = await auth.login(token_format="opaque")
    for token in (member.access, opaque.json["access_token"]):
        assert INVALID_GRANT == error_of(await refresh(auth, token))


async def test_a_refresh_token_is_no_access_token(auth: Server) -> None:
    member = await log_in(auth)
    assert not await is_accepted(auth, member.refresh)
    answer = await introspected(auth, member.refresh)
    assert {"active": False} == answer.json


async def test_nothing_in_the_store_can_be_replayed(auth: Server, redis: Redis) -> None:
    """OAU-01: a thief of the whole store holds no token."""
    member = await log_in(auth)
    second = await refreshed(auth, member.refresh)
    opaque = (await auth.login(token_format="opaque")).json["access_token"]
    held = await dump(redis)
    assert [] == [token for token in (member.refresh, second.refresh, second.access, opaque) if token in held]
    assert redis_keys.hashed(second.refresh) in held
    for word in set(held.replace("'", " ").replace(":", " ").split()):
        assert 400 == (await refresh(auth, word)).status


async def test_a_family_ends_at_its_absolute_end_however_often_it_is_used(auth: Server, redis: Redis) -> None:
    member = await log_in(auth)
    (name,) = [name async for name in redis.scan_iter(redis_keys.login("*"))]
    begun_ms, ends_ms = (int(value or 0) for value in await redis.hmget(name, "created", "ends"))
    assert 30 * 24 * 3600 * 1000 == ends_ms - begun_ms
    member = await refreshed(auth, member.refresh)
    assert ends_ms == int(await redis.hget(name, "ends") or 0), "using it does not move its end"
    await redis.hset(name, "ends", begun_ms)
    assert INVALID_GRANT == error_of(await refresh(auth, member.refresh))


async def test_a_family_that_is_not_used_ends_earlier(servers: Servers, redis: Redis, redis_url: str) -> None:
    auth = await servers.auth(redis_url, AUTH_REFRESH_TTL_S="1000", AUTH_REFRESH_IDLE_TTL_S="100")
    member = await log_in(auth)
    (name,) = [name async for name in redis.scan_iter(redis_keys.login("*"))]
    assert 99_000 < await redis.pttl(name) <= 100_000
    await redis.pexpire(name, 5000)
    member = await refreshed(auth, member.refresh)
    assert 99_000 < await redis.pttl(name) <= 100_000, "used, it lives on"
    await redis.hset(name, "ends", int(await redis.hget(name, "created") or 0) + 50_000)
    member = await refreshed(auth, member.refresh)
    assert await redis.pttl(name) <= 50_000, "but never beyond its absolute end"
    await redis.pexpire(name, 1)
    await asyncio.sleep(0.01)
    assert INVALID_GRANT == error_of(await refresh(auth, member.refresh))
    left = [await redis.pttl(key) async for key in redis.scan_iter(redis_keys.refresh("*"))]
    assert all(0 < ms <= 1_000_000 for ms in left), "and everything of it goes away by itself"


async def test_the_roles_of_now_are_in_the_refreshed_token(auth: Server) -> None:
    member = await log_in(auth, "bob")
    admin = await log_in(auth, "root")
    body = {"roles": ["user", "auditor"], "scopes": ["orders:read", "orders:write"]}
    assert 200 == (await auth.post("/admin/accounts/bob/roles", body=body, token=admin.access)).status
    assert INVALID_GRANT == error_of(await refresh(auth, member.refresh)), "the change ended bob's logins"
    again = await log_in(auth, "bob")
    assert ["user", "auditor"] == parts(again.access)[1]["roles"]


@pytest.mark.parametrize("event", ["logout", "logout-everywhere", "disable", "password", "roles"])
async def test_whatever_ends_a_login_ends_its_family(auth: Server, event: str) -> None:
    """OAU-07."""
    member, admin = await log_in(auth), await log_in(auth, "root")
    match event:
        case "logout" | "logout-everywhere":
            answer = await auth.post(f"/{event}", token=member.access)
        case "disable":
            answer = await auth.post("/admin/accounts/alice/disable", token=admin.access)
        case "password":
            body: Any = {"password": "a much better password"}
            answer = await auth.post("/admin/accounts/alice/password", body=body, token=admin.access)
        case _:
            answer = await auth.post("/admin/accounts/alice/roles", body={"roles": []}, token=admin.access)
    assert answer.status in {200, 204}
    assert INVALID_GRANT == error_of(await refresh(auth, member.refresh))
    assert not await is_accepted(auth, member.access)
    assert await is_accepted(auth, admin.access)


async def test_an_account_that_is_gone_gets_no_new_tokens(auth: Server, redis: Redis) -> None:
    member = await log_in(auth)
    await redis.delete(redis_keys.account("alice"))
    assert INVALID_GRANT == error_of(await refresh(auth, member.refresh))
    assert not await is_accepted(auth, member.access)


async def test_a_refresh_keeps_the_format_and_the_audience_of_its_login(auth: Server) -> None:
    member = await log_in(auth, token_format="opaque", audience="billing-api")
    assert is_256_bits(member.access)
    again = await refreshed(auth, member.refresh)
    assert is_256_bits(again.access)
    answer = await introspected(auth, again.access)
    assert (True, "billing-api") == (answer.json["active"], answer.json["aud"])


async def test_lives_end_up_to_five_percent_early(auth: Server) -> None:
    """So that the refreshes of many clients do not come as a herd."""
    lives = []
    for _ in range(40):
        body = (await auth.login()).json
        claims = parts(body["access_token"])[1]
        lives.append(claims["exp"] - claims["iat"])
        assert int(lives[-1]) == body["expires_in"]
    assert 285 <= min(lives) < max(lives) <= 300
    assert max(lives) - min(lives) > 3
