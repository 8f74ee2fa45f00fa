"""What changes something must prove that a page of ours sent it (SES-13, SES-15)."""

from collections.abc import Mapping

import pytest

from core.strict_json import is_256_bits
from tests.session_server.visitor import Visitor, log_in, status_of
from tests.support.caller import Answer
from tests.support.servers import Server, Servers

OURS = "http://127.0.0.1:8491"
ALLOWED = "https://shop.example"


@pytest.fixture
async def server(servers: Servers) -> Server:
    return await servers.session("memory-session", PORT="8491", SESSION_ALLOWED_ORIGINS=f"{ALLOWED}, https://b.example")


async def _order(server: Server, visitor: Visitor, **parts: object) -> Answer:
    order = {"item": "quinces", "quantity": 3}
    return await server.post("/orders", body=order, cookie=visitor.cookie, **parts)


@pytest.mark.parametrize("headers", [{}, {"Origin": OURS}, {"Origin": ALLOWED}, {"Sec-Fetch-Site": "same-origin"}])
async def test_with_its_token_a_request_from_our_pages_or_from_no_browser_passes(
    headers: Mapping[str, str], server: Server
) -> None:
    visitor = await log_in(server)
    assert 201 == (await _order(server, visitor, csrf=visitor.csrf, headers=headers)).status


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://127.0.0.1:8492"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "http://sub.127.0.0.1:8491"},
        {"Origin": "https://a.shop.example"},
        {"Origin": "http://shop.example"},
        {"Origin": f"{ALLOWED}/"},
        {"Origin": f"{OURS}, {ALLOWED}"},
        {"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://evil.example", "Host": "evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "SAME-ORIGIN"},
    ],
)
async def test_another_origin_is_refused_even_with_the_right_token(headers: Mapping[str, str], server: Server) -> None:
    """The Host header is never believed: whoever aims a request may choose it."""
    visitor = await log_in(server)
    for refused in (
        await _order(server, visitor, csrf=visitor.csrf, headers=headers),
        await server.post("/logout", headers=headers, **visitor.proofs),
        await _log_in_from(server, headers),
    ):
        assert (403, "csrf") == (refused.status, refused.code)
        assert "Set-Cookie" not in refused.headers
    assert 200 == await status_of(server, visitor), "nothing was changed"


async def _log_in_from(server: Server, headers: Mapping[str, str]) -> Answer:
    credentials = {"username": "alice", "password": "alice-demo-password"}
    return await server.post("/login", body=credentials, headers=headers)


async def test_two_origins_are_refused(server: Server) -> None:
    visitor = await log_in(server)
    async with server.session.post(
        f"{server.url}/logout",
        headers=[("Origin", OURS), ("Origin", ALLOWED), ("Cookie", visitor.cookie), ("X-CSRF-Token", visitor.csrf)],
    ) as answer:
        assert 403 == answer.status


async def test_every_unsafe_route_needs_the_token(server: Server) -> None:
    """The cookie alone is what a browser adds to any page's request; SameSite=Lax is only the second wall."""
    root = await log_in(server, "root")
    (session,) = (await server.get("/sessions", cookie=root.cookie)).json
    for method, path, body in (
        ("POST", "/orders", {"item": "pears", "quantity": 1}),
        ("POST", "/logout", None),
        ("POST", "/logout-everywhere", None),
        ("POST", "/admin/accounts/root/end-sessions", None),
        ("DELETE", f"/sessions/{session['handle']}", None),
    ):
        refused = await server.send(method, path, body=body, cookie=root.cookie)
        assert (403, "csrf") == (refused.status, refused.code), path
        assert "WWW-Authenticate" not in refused.headers
    assert 200 == await status_of(server, root)


@pytest.mark.parametrize("token", ["", "x", "\u00e9", "A" * 43])
async def test_a_made_up_token_is_refused(token: str, server: Server) -> None:
    visitor = await log_in(server)
    assert 403 == (await _order(server, visitor, csrf=token)).status


async def test_a_token_belongs_to_one_session(server: Server) -> None:
    """Neither another person's token nor that of the session before will do."""
    alice, bob = await log_in(server), await log_in(server, "bob")
    assert 403 == (await _order(server, alice, csrf=bob.csrf)).status
    again = await log_in(server, cookie=alice.cookie)
    assert alice.csrf != again.csrf
    assert 403 == (await _order(server, again, csrf=alice.csrf)).status
    assert 201 == (await _order(server, again, csrf=again.csrf)).status


async def test_two_tokens_are_refused(server: Server) -> None:
    visitor = await log_in(server)
    async with server.session.post(
        f"{server.url}/logout",
        headers=[("Cookie", visitor.cookie), ("X-CSRF-Token", visitor.csrf), ("X-CSRF-Token", visitor.csrf)],
    ) as answer:
        assert 403 == answer.status


async def test_a_page_gets_its_token_again_after_a_reload(server: Server) -> None:
    visitor = await log_in(server)
    answer = await server.get("/csrf", cookie=visitor.cookie)
    assert {"csrf_token": visitor.csrf} == answer.json
    assert is_256_bits(visitor.csrf)
    assert visitor.csrf != visitor.session_id, "the token opens nothing"
    assert 401 == (await server.get("/me", cookie=f"session={visitor.csrf}")).status


async def test_reading_needs_no_token_and_no_origin(server: Server) -> None:
    visitor = await log_in(server)
    headers = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
    answer = await server.get("/me", cookie=visitor.cookie, headers=headers)
    assert 200 == answer.status
    assert not [name for name in answer.headers if name.lower().startswith("access-control")], "and cannot be read"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_a_form_of_another_page_cannot_log_anybody_in(kind: str, server: Server) -> None:
    """A page elsewhere can post these without being asked (CORS safelist); JSON it cannot."""
    body = b'{"username":"alice","password":"alice-demo-password"}'
    headers = {"Content-Type": kind} if kind else {}
    answer = await server.post("/login", raw=body, headers=headers)
    assert (415, "unsupported_media_type") == (answer.status, answer.code)


async def test_a_refused_login_leaves_the_session_that_is_there(server: Server) -> None:
    visitor = await log_in(server)
    wrong = await server.post("/login", body={"username": "alice", "password": "wrong"}, cookie=visitor.cookie)
    foreign = await server.post(
        "/login",
        body={"username": "bob", "password": "bob-demo-password"},
        cookie=visitor.cookie,
        headers={"Origin": "http://evil.example"},
    )
    assert [401, 403] == [wrong.status, foreign.status]
    assert 200 == await status_of(server, visitor)


async def test_without_any_session_the_answer_is_401_not_403(server: Server) -> None:
    answer = await server.post("/orders", body={"item": "plums", "quantity": 1})
    assert (401, "no_credential") == (answer.status, answer.code)
