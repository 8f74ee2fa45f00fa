"""Logins of the token side: what they hand out, how they are seen, and how they end."""

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from auth_server.logins import MAX_LOGINS_PER_ACCOUNT
from core import redis_keys
from core.strict_json import is_256_bits
from lab.processes import RedisProcess
from tests.attacks.forge import parts
from tests.auth_server.member import Member, is_accepted, log_in, refresh, refreshed
from tests.support.environments import AUDIENCE, ISSUER, OTHER_AUDIENCE
from tests.support.servers import Server, Servers

UNKNOWN_HANDLES = ("made-up", "A" * 22, "..", "%2e%2e", "alice")


@pytest.fixture
async def auth(servers: Servers, redis_url: str) -> Server:
    return await servers.auth(redis_url)


async def handles(auth: Server, access: str) -> list[str]:
    return [entry["handle"] for entry in (await auth.get("/logins", token=access)).json]


async def test_a_login_hands_out_what_rfc_6749_says(auth: Server) -> None:
    answer = await auth.login()
    assert {"access_token", "token_type", "expires_in", "refresh_token", "scope"} == set(answer.json)
    assert ("Bearer", "orders:read orders:write") == (answer.json["token_type"], answer.json["scope"])
    assert 285 <= answer.json["expires_in"] <= 300


async def test_the_access_token_holds_exactly_the_claims_of_rfc_9068_and_ours(auth: Server) -> None:
    header, claims, _ = parts((await log_in(auth)).access)
    assert {"alg", "typ", "kid"} == set(header)
    assert ("HS256", "at+jwt") == (header["alg"], header["typ"])
    assert {"iss", "aud", "sub", "client_id", "iat", "exp", "jti", "scope", "sid", "name", "roles"} == set(claims)
    assert (ISSUER, AUDIENCE, "alice", "authlab-web", "Alice", ["user"]) == (
        claims["iss"], claims["aud"], claims["sub"], claims["client_id"], claims["name"], claims["roles"]
    )  # fmt: skip
    assert claims["iat"] == round(claims["iat"], 3)
    assert [] == [value for value in claims.values() if "alice-demo-password" in str(value)]


async def test_every_token_has_an_id_of_its_own(auth: Server) -> None:
    members = [await log_in(auth) for _ in range(30)]
    claims = [parts(member.access)[1] for member in members]
    assert {30} == {len({claim[name] for claim in claims}) for name in ("jti", "sid")}
    assert 30 == len({member.refresh for member in members})


async def test_a_token_is_for_the_audience_that_was_asked_for(servers: Servers, auth: Server) -> None:
    token = (await auth.login(audience=OTHER_AUDIENCE)).json["access_token"]
    assert OTHER_AUDIENCE == parts(token)[1]["aud"]
    assert 401 == (await (await servers.resource()).get("/me", token=token)).status
    assert await is_accepted(auth, token), "the auth server itself takes tokens of all its audiences"
    answer = await auth.login(audience="unknown-api")
    assert (400, "bad_request") == (answer.status, answer.code)


async def test_an_opaque_token_says_nothing(auth: Server) -> None:
    token = (await auth.login(token_format="opaque")).json["access_token"]
    assert is_256_bits(token)
    assert await is_accepted(auth, token)
    assert 204 == (await auth.post("/logout", token=token)).status
    assert not await is_accepted(auth, token)
    assert (400, "bad_request") == ((answer := await auth.login(token_format="paseto")).status, answer.code)


async def test_a_logout_ends_this_login_and_no_other(auth: Server) -> None:
    one, other = await log_in(auth), await log_in(auth)
    again = await refreshed(auth, one.refresh)
    assert 204 == (await auth.post("/logout", token=again.access)).status
    assert [False, False, True] == [await is_accepted(auth, member.access) for member in (one, again, other)]
    assert 401 == (await auth.post("/logout", token=again.access)).status, "it is over already"


async def test_logins_are_listed_the_one_used_last_first(auth: Server) -> None:
    agents = ["first", "second", "third"]
    members: list[Member] = []
    for agent in agents:
        answer = await auth.post(
            "/login",
            body={"username": "alice", "password": "alice-demo-password"},
            headers={"User-Agent": agent},
        )
        members.append(Member(answer.json["access_token"], answer.json["refresh_token"]))
        await asyncio.sleep(0.005)
    await log_in(auth, "bob")
    used = await refreshed(auth, members[0].refresh)
    listed = (await auth.get("/logins", token=used.access)).json
    assert ["first", "third", "second"] == [entry["user_agent"] for entry in listed]
    assert [True, False, False] == [entry["current"] for entry in listed]
    assert {"handle", "created_at", "last_used_at", "user_agent", "current"} == set(listed[0])
    assert listed[0]["created_at"] < listed[0]["last_used_at"]
    shown = str(listed)
    assert [] == [token for member in members for token in (member.access, member.refresh) if token in shown]


async def test_a_login_can_be_ended_from_another(auth: Server) -> None:
    lost, here = await log_in(auth), await log_in(auth)
    (handle,) = set(await handles(auth, here.access)) - {parts(here.access)[1]["sid"]}
    assert 204 == (await auth.delete(f"/logins/{handle}", token=here.access)).status
    assert [False, True] == [await is_accepted(auth, member.access) for member in (lost, here)]
    assert 404 == (await auth.delete(f"/logins/{handle}", token=here.access)).status


async def test_nobody_ends_somebody_elses_login(auth: Server) -> None:
    alice, bob = await log_in(auth), await log_in(auth, "bob")
    for handle in (*await handles(auth, alice.access), *UNKNOWN_HANDLES):
        answer = await auth.delete(f"/logins/{handle}", token=bob.access)
        assert (404, "not_found") == (answer.status, answer.code), "a foreign one looks like an unknown one"
    assert await is_accepted(auth, alice.access)


async def test_everywhere_means_everywhere_and_a_later_login_works(auth: Server) -> None:
    members = [await log_in(auth) for _ in range(4)]
    bob = await log_in(auth, "bob")
    assert 204 == (await auth.post("/logout-everywhere", token=members[0].access)).status
    for member in members:
        assert not await is_accepted(auth, member.access)
        assert 400 == (await refresh(auth, member.refresh)).status
    assert await is_accepted(auth, bob.access)
    again = await log_in(auth)
    assert await is_accepted(auth, again.access)
    assert [parts(again.access)[1]["sid"]] == await handles(auth, again.access)


async def test_no_login_survives_a_logout_everywhere_that_it_races(
    servers: Servers, redis: Redis, redis_url: str
) -> None:
    """SES-08: each of them either began after the cut-off, or is over."""
    auth, other = [await servers.auth(redis_url) for _ in range(2)]
    for _ in range(3):
        ender = await log_in(auth)

        async def end(member: Member = ender) -> Any:
            await asyncio.sleep(0.01)
            return await auth.insist("POST", "/logout-everywhere", token=member.access)

        answers = await asyncio.gather(end(), *((auth, other)[n % 2].login() for n in range(50)))
        assert 204 == answers[0].status
        cutoff_ms = await redis.get(redis_keys.cutoff("alice"))
        assert cutoff_ms is not None
        for answer in answers[1:]:
            if answer.status != 200:
                assert 503 == answer.status, "a busy machine may shed some"
                continue
            access = answer.json["access_token"]
            began_after = parts(access)[1]["iat"] * 1000 > int(cutoff_ms)
            assert began_after == await is_accepted(auth, access)


async def test_an_account_has_a_bounded_number_of_logins(auth: Server, redis: Redis) -> None:
    """SES-09: the oldest one ends when another begins, however many begin at once."""
    first = await log_in(auth)
    for _ in range(10):
        await asyncio.gather(*(auth.login() for _ in range(12)))
    last = await log_in(auth)
    assert MAX_LOGINS_PER_ACCOUNT == len(await handles(auth, last.access))
    assert not await is_accepted(auth, first.access)
    assert MAX_LOGINS_PER_ACCOUNT == len([name async for name in redis.scan_iter(redis_keys.login("*"), count=1000)])


async def test_the_index_of_an_account_goes_away_with_its_youngest_login(auth: Server, redis: Redis) -> None:
    await log_in(auth)
    assert await redis.pttl(redis_keys.logins("alice")) > 0
    without_end = [name async for name in redis.scan_iter() if await redis.pttl(name) == -1 and b"account" not in name]
    forever = {redis_keys.REVOCATION_EPOCH, redis_keys.REVOCATION_SEQUENCE, redis_keys.REVOCATION_MARKS,
               redis_keys.REVOCATION_STREAM}  # fmt: skip
    assert {name.decode() for name in without_end} <= forever


async def test_a_logout_without_its_store_is_no_logout(servers: Servers, own_redis: RedisProcess) -> None:
    """SES-07: never a success that was none."""
    auth = await servers.auth(own_redis.url)
    member = await log_in(auth)
    own_redis.pause()
    for path in ("/logout", "/logout-everywhere"):
        answer = await auth.post(path, token=member.access)
        assert (503, "unavailable") == (answer.status, answer.code)
    own_redis.resume()


async def test_a_store_that_lost_everything_knows_no_old_token(servers: Servers, own_redis: RedisProcess) -> None:
    """F-11: what was revoked is forgotten, so everything from before is over; new logins work."""
    auth = await servers.auth(own_redis.url)
    old = await log_in(auth)
    async with Redis.from_url(own_redis.url, driver_info=None) as client:
        await client.flushall()
    status = (await auth.get("/logins", token=old.access)).status
    assert status in {401, 503}
    new = await log_in(auth)
    assert await is_accepted(auth, new.access)
    assert not await is_accepted(auth, old.access)
    assert 400 == (await refresh(auth, old.refresh)).status


async def test_a_user_agent_is_kept_short_and_harmless(auth: Server) -> None:
    answer = await auth.post(
        "/login",
        body={"username": "alice", "password": "alice-demo-password"},
        headers={"User-Agent": "<script>é" + "x" * 1000},
    )
    (entry,) = (await auth.get("/logins", token=answer.json["access_token"])).json
    assert 200 == len(entry["user_agent"])
    assert entry["user_agent"].isascii()


# --- without a store --------------------------------------------------------------------------------------------------


async def test_without_redis_there_are_access_tokens_and_nothing_that_needs_memory(servers: Servers) -> None:
    auth, resource = await servers.auth(), await servers.resource()
    body = (await auth.login()).json
    assert "refresh_token" not in body
    assert "sid" not in parts(body["access_token"])[1]
    assert "alice" == (await resource.get("/me", token=body["access_token"])).json["sub"]
    token = body["access_token"]
    for method, path in [
        ("POST", "/logout"),
        ("POST", "/logout-everywhere"),
        ("GET", "/logins"),
        ("DELETE", "/logins/x"),
    ]:
        answer = await auth.send(method, path, token=token)
        assert (501, "no_store") == (answer.status, answer.code)
    assert (501, "no_store") == ((answer := await auth.login(token_format="opaque")).status, answer.code)
    admin = (await auth.login("root")).json["access_token"]
    assert 501 == (await auth.get("/admin/accounts", token=admin)).status


async def test_without_redis_the_oauth_endpoints_say_so(servers: Servers) -> None:
    auth = await servers.auth()
    service = ("demo-service", "demo-service-secret")
    assert 200 == (await auth.post("/oauth/token", form={"grant_type": "client_credentials"}, client=service)).status
    assert (501, "no_store") == ((answer := await refresh(auth, "A" * 43)).status, answer.json["error"])
    for path in ("/oauth/revoke", "/oauth/introspect"):
        answer = await auth.post(path, form={"token": "x"}, client=service)
        assert (501, "no_store") == (answer.status, answer.json["error"])
