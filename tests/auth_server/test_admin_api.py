import asyncio
from pathlib import Path
from typing import Any

import pytest

from core.service import ENDPOINTS
from tests.attacks.forge import parts
from tests.auth_server.member import Member, is_accepted, log_in
from tests.support.servers import Server, Servers

PASSWORD = "correct horse battery"
CAROL = {"username": "carol", "name": "Carol", "password": PASSWORD, "roles": ["user"], "scopes": ["orders:read"]}


@pytest.fixture
async def auth(servers: Servers, redis_url: str, tmp_path: Path) -> Server:
    return await servers.auth(redis_url, AUTH_KEYS_DIR=str(tmp_path / "keys"))


@pytest.fixture
async def admin(auth: Server) -> Member:
    return await log_in(auth, "root")


async def log_in_as(auth: Server, username: str, password: str) -> int:
    return (await auth.post("/login", body={"username": username, "password": password})).status


async def test_only_admins_may(auth: Server) -> None:
    alice = await log_in(auth)
    for endpoint in auth.app[ENDPOINTS]:
        if endpoint.path.startswith("/admin"):
            path = endpoint.path.replace("{name}", "bob").replace("{kid}", "x")
            answer = await auth.send(endpoint.method, path, token=alice.access)
            assert (403, "forbidden") == (answer.status, answer.code), path
            assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


async def test_accounts_are_listed_without_their_hashes(auth: Server, admin: Member) -> None:
    answer = await auth.get("/admin/accounts", token=admin.access)
    assert ["alice", "bob", "root"] == [entry["username"] for entry in answer.json]
    assert {"username", "name", "roles", "scopes", "disabled"} == set(answer.json[0])
    assert b"argon2" not in answer.body


async def test_an_account_is_added_and_can_log_in_at_once(auth: Server, admin: Member) -> None:
    answer = await auth.post("/admin/accounts", body=CAROL, token=admin.access)
    assert 201 == answer.status
    assert PASSWORD not in answer.body.decode()
    assert 200 == await log_in_as(auth, "carol", PASSWORD)
    again = await auth.post("/admin/accounts", body=CAROL, token=admin.access)
    assert (409, "conflict") == (again.status, again.code)


async def test_one_of_many_who_add_the_same_account_succeeds(auth: Server, admin: Member) -> None:
    answers = await asyncio.gather(
        *(auth.post("/admin/accounts", body={**CAROL, "name": str(n)}, token=admin.access) for n in range(10))
    )
    assert [201] + [409] * 9 == sorted(answer.status for answer in answers)


@pytest.mark.parametrize(
    "change",
    [
        {"username": ""}, {"username": "a b"}, {"username": "client:x"}, {"username": "x" * 65}, {"username": "-x"},
        {"password": "short"}, {"password": "passwordpassword"}, {"password": "carolcarolcarolcarol"},
        {"password": "x" * 257}, {"password": 15}, {"name": ""}, {"name": "x" * 101}, {"roles": ["a b"]},
        {"roles": "user"}, {"scopes": ["orders:read orders:write"]}, {"roles": ["r"] * 33}, {"disabled": True},
    ],
    ids=str,
)  # fmt: skip
async def test_an_account_that_makes_no_sense_is_refused(auth: Server, admin: Member, change: dict[str, Any]) -> None:
    answer = await auth.post("/admin/accounts", body={**CAROL, **change}, token=admin.access)
    assert (400, "bad_request") == (answer.status, answer.code)
    password = change.get("password")
    assert password is None or str(password) not in answer.body.decode().replace("15 to", "")


async def test_new_roles_show_in_new_tokens_and_old_tokens_end(auth: Server, admin: Member) -> None:
    before = await log_in(auth)
    answer = await auth.post("/admin/accounts/alice/roles", body={"roles": ["admin", "user"]}, token=admin.access)
    assert (200, ["admin", "user"], ["orders:read", "orders:write"]) == (
        answer.status, answer.json["roles"], answer.json["scopes"]
    )  # fmt: skip
    assert not await is_accepted(auth, before.access)
    after = await log_in(auth)
    assert ["admin", "user"] == parts(after.access)[1]["roles"]
    assert 200 == (await auth.get("/admin/accounts", token=after.access)).status


async def test_a_demoted_admin_is_none_with_the_next_request(auth: Server, admin: Member) -> None:
    """At the auth server itself, which asks its store; elsewhere the strategy decides how late that is heard of."""
    answer = await auth.post("/admin/accounts/root/roles", body={"roles": ["user"]}, token=admin.access)
    assert 200 == answer.status
    assert 401 == (await auth.get("/admin/accounts", token=admin.access)).status
    assert 403 == (await auth.get("/admin/accounts", token=(await log_in(auth, "root")).access)).status


async def test_a_new_password_replaces_the_old_one(auth: Server, admin: Member) -> None:
    before = await log_in(auth)
    path = "/admin/accounts/alice/password"
    for bad in ("short", "alicealicealice", "passwordpassword1"):
        assert 400 == (await auth.post(path, body={"password": bad}, token=admin.access)).status
    assert await is_accepted(auth, before.access)
    assert 200 == (await auth.post(path, body={"password": PASSWORD}, token=admin.access)).status
    assert not await is_accepted(auth, before.access)
    assert [401, 200] == [await log_in_as(auth, "alice", word) for word in ("alice-demo-password", PASSWORD)]


async def test_a_disabled_account_is_out_at_once_and_back_when_enabled(auth: Server, admin: Member) -> None:
    before = await log_in(auth)
    answer = await auth.post("/admin/accounts/alice/disable", token=admin.access)
    assert (200, True) == (answer.status, answer.json["disabled"])
    assert not await is_accepted(auth, before.access)
    assert 401 == (await auth.login()).status
    assert 200 == (await auth.post("/admin/accounts/alice/enable", token=admin.access)).status
    assert 200 == (await auth.login()).status
    assert not await is_accepted(auth, before.access), "what was ended stays ended"


async def test_a_login_that_races_its_disabling_does_not_survive_it(auth: Server, admin: Member) -> None:
    async def disable() -> int:
        await asyncio.sleep(0.01)
        return (await auth.post("/admin/accounts/alice/disable", token=admin.access)).status

    disabling = asyncio.create_task(disable())
    logins = await asyncio.gather(*(auth.login() for _ in range(40)))
    assert 200 == await disabling
    for answer in logins:
        assert answer.status in {200, 401, 503}
        if answer.status == 200:
            assert not await is_accepted(auth, answer.json["access_token"])


@pytest.mark.parametrize("verb", ["roles", "password", "disable", "enable"])
@pytest.mark.parametrize("name", ["nobody", "ALICE", "%2e%2e", "alice%00", "x" * 200])
async def test_an_account_that_is_not_there_is_not_found(auth: Server, admin: Member, verb: str, name: str) -> None:
    body: Any = {"roles": {"roles": []}, "password": {"password": PASSWORD}}.get(verb)
    answer = await auth.post(f"/admin/accounts/{name}/{verb}", body=body, token=admin.access)
    assert (404, "not_found") == (answer.status, answer.code)


async def test_keys_are_listed_rotated_and_retired(auth: Server, admin: Member) -> None:
    (first,) = (await auth.get("/admin/keys", token=admin.access)).json
    assert ("HS256", "signing", None) == (first["algorithm"], first["state"], first["retires_at"])
    assert {"kid", "algorithm", "state", "created_at", "signs_from", "retires_at"} == set(first)
    early = await auth.post(f"/admin/keys/{first['kid']}/retire", token=admin.access)
    assert (409, "conflict") == (early.status, early.code)
    rotated = await auth.post("/admin/keys/rotate", token=admin.access)
    assert (201, "published") == (rotated.status, rotated.json["state"])
    listed = (await auth.get("/admin/keys", token=admin.access)).json
    assert [first["kid"], rotated.json["kid"]] == [key["kid"] for key in listed]
    assert 404 == (await auth.post("/admin/keys/unknown/retire", token=admin.access)).status


async def test_without_a_directory_a_rotation_is_a_conflict(servers: Servers, redis_url: str) -> None:
    auth = await servers.auth(redis_url)
    admin = await log_in(auth, "root")
    answer = await auth.post("/admin/keys/rotate", token=admin.access)
    assert (409, "conflict", True) == (answer.status, answer.code, "AUTH_KEYS_DIR" in answer.json["detail"])


async def test_what_an_admin_did_is_logged_with_who_it_was(auth: Server, admin: Member, logged: list[Any]) -> None:
    await auth.post("/admin/accounts", body=CAROL, token=admin.access)
    await auth.post("/admin/accounts/carol/roles", body={"roles": []}, token=admin.access)
    await auth.post("/admin/accounts/carol/password", body={"password": f"{PASSWORD} 2"}, token=admin.access)
    await auth.post("/admin/accounts/carol/disable", token=admin.access)
    done = [(event["event"], event["sub"], event["by"]) for event in logged if event["event"].startswith("account.")]
    names = ("account.added", "account.roles", "account.password", "account.disabled")
    assert [(name, "carol", "root") for name in names] == done
    assert PASSWORD not in str(logged)
