"""Begin, see and end sessions, with every strategy (SES-04, SES-05, SES-07, SES-10)."""

from typing import Any

from session_server.session import new_session_id
from tests.session_server.visitor import log_in, status_of
from tests.support.caller import Answer
from tests.support.servers import Server


def _is_cleared(answer: Answer) -> bool:
    return any(
        value.startswith("session=;") and value.endswith("; Max-Age=0")
        for value in answer.headers.getall("Set-Cookie", [])
    )


async def test_an_id_that_a_client_brings_along_is_never_adopted(server: Server) -> None:
    """Session fixation: whoever planted the id must not know the one that is logged in."""
    planted = f"session={new_session_id()}"
    visitor = await log_in(server, cookie=planted)
    assert planted != visitor.cookie
    assert [401, 200] == [(await server.get("/me", cookie=one)).status for one in (planted, visitor.cookie)]


async def test_a_login_gives_a_new_id_and_ends_the_old_one(server: Server) -> None:
    first = await log_in(server)
    second = await log_in(server, cookie=first.cookie)
    other_browser = await log_in(server)
    third = await log_in(server, "bob", cookie=second.cookie)
    everyone = (first, second, third, other_browser)
    assert 4 == len({visitor.cookie for visitor in everyone})
    assert [401, 401, 200, 200] == [await status_of(server, visitor) for visitor in everyone]
    assert 1 == len((await server.get("/sessions", cookie=other_browser.cookie)).json)


async def test_a_logout_ends_the_session_and_takes_the_cookie(server: Server) -> None:
    visitor, other = await log_in(server), await log_in(server)
    answer = await server.post("/logout", **visitor.proofs)
    assert 204 == answer.status
    assert _is_cleared(answer)
    assert "Clear-Site-Data" in answer.headers
    assert [401, 200] == [await status_of(server, one) for one in (visitor, other)]


async def test_a_dead_or_malformed_cookie_at_logout_is_401_and_taken(server: Server) -> None:
    visitor = await log_in(server)
    await server.post("/logout", **visitor.proofs)
    for path in ("/logout", "/logout-everywhere"):
        for cookie in (visitor.cookie, f"session={new_session_id()}", "session=short"):
            answer = await server.post(path, cookie=cookie, csrf=visitor.csrf)
            assert (401, "invalid_credential") == (answer.status, answer.code)
            assert _is_cleared(answer)
        without = await server.post(path)
        assert (401, "no_credential") == (without.status, without.code)
        assert "Set-Cookie" not in without.headers
    elsewhere = await server.get("/me", cookie=visitor.cookie)
    assert 401 == elsewhere.status
    assert "Set-Cookie" not in elsewhere.headers, "only whoever leaves loses the cookie"


async def test_people_see_their_own_sessions_and_no_others(server: Server) -> None:
    phone = await log_in(server, agent="a phone")
    laptop = await log_in(server, agent="a laptop")
    await log_in(server, "bob", agent="bob's phone")
    listed = (await server.get("/sessions", cookie=laptop.cookie)).json
    assert {("a phone", False), ("a laptop", True)} == {(one["user_agent"], one["current"]) for one in listed}
    assert {"handle", "created_at", "last_used_at", "user_agent", "current"} == set(listed[0])
    assert all(one["created_at"] <= one["last_used_at"] + 0.01 for one in listed)
    for secret in (phone.session_id, laptop.session_id, phone.csrf):
        assert secret not in str(listed)


async def test_a_handle_ends_one_session_of_ones_own(server: Server) -> None:
    phone, laptop = await log_in(server, agent="a phone"), await log_in(server, agent="a laptop")
    listed = (await server.get("/sessions", cookie=laptop.cookie)).json
    handles = {one["user_agent"]: one["handle"] for one in listed}
    ended = await server.delete(f"/sessions/{handles['a phone']}", **laptop.proofs)
    assert 204 == ended.status
    assert [401, 200] == [await status_of(server, one) for one in (phone, laptop)]
    again = await server.delete(f"/sessions/{handles['a phone']}", **laptop.proofs)
    assert (404, "not_found") == (again.status, again.code)
    await server.delete(f"/sessions/{handles['a laptop']}", **laptop.proofs)
    assert 401 == await status_of(server, laptop), "this very session can be ended so, too"


async def test_a_foreign_handle_looks_like_one_that_does_not_exist(server: Server) -> None:
    alice, bob = await log_in(server), await log_in(server, "bob")
    (bobs,) = (await server.get("/sessions", cookie=bob.cookie)).json
    (own,) = (await server.get("/sessions", cookie=alice.cookie)).json
    foreign = await server.delete(f"/sessions/{bobs['handle']}", **alice.proofs)
    unknown = await server.delete(f"/sessions/{'A' * len(bobs['handle'])}", **alice.proofs)
    assert (404, foreign.body) == (foreign.status, unknown.body)
    for opens_nothing in (alice.session_id, bob.session_id):
        assert 404 == (await server.delete(f"/sessions/{opens_nothing}", **alice.proofs)).status
    assert 401 == (await server.get("/me", cookie=f"session={own['handle']}")).status
    assert [200, 200] == [await status_of(server, one) for one in (alice, bob)]


async def test_an_admin_ends_all_sessions_of_an_account(server: Server) -> None:
    root, alice, also_alice, bob = [await log_in(server, name) for name in ("root", "alice", "alice", "bob")]
    path = "/admin/accounts/alice/end-sessions"
    refused = await server.post(path, **bob.proofs)
    assert (403, "forbidden") == (refused.status, refused.code)
    assert 204 == (await server.post(path, **root.proofs)).status
    statuses = [await status_of(server, one) for one in (root, alice, also_alice, bob)]
    assert [200, 401, 401, 200] == statuses
    assert 200 == await status_of(server, await log_in(server)), "a later login works"


async def test_every_end_is_logged_with_who_and_without_the_id(server: Server, logged: list[dict[str, Any]]) -> None:
    alice, other, root = [await log_in(server, name) for name in ("alice", "alice", "root")]
    handle = next(
        one["handle"] for one in (await server.get("/sessions", cookie=alice.cookie)).json if not one["current"]
    )
    await server.delete(f"/sessions/{handle}", **alice.proofs)
    await server.post("/logout", **alice.proofs)
    await server.post("/admin/accounts/alice/end-sessions", **root.proofs)
    await server.post("/logout-everywhere", **root.proofs)
    events = [(entry["event"], entry.get("sub"), entry.get("by")) for entry in logged]
    expected = [("logout.other", "alice", None), ("logout", "alice", None), ("account.sessions_ended", "alice", "root")]
    assert [*expected, ("logout.everywhere", "root", None)] == [
        event for event in events if event[0].startswith(("logout", "account"))
    ]
    assert 3 == len([event for event in events if event[0] == "login.succeeded"])
    for visitor in (alice, other, root):
        assert visitor.session_id not in str(logged)
