"""An attacker who leaves no trace (LOG-01): each decision that matters is one line with time, who, where and number."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from core.redis_keys import hashed, refresh
from tests.attacks.system import DEMO_PASSWORDS, System
from tests.attacks.wire import Answer, bearer, call, call_json

FORM = [("Content-Type", "application/x-www-form-urlencoded")]
SERVICE = "client_id=demo-service&client_secret=demo-service-secret"
AUTH, SESSION, RESOURCE = "auth-HS256", "redis-session", "plain-jwt-HS256"


def form(system: System, path: str, body: str) -> Answer:
    return call(system.auth().port, "POST", path, FORM, body.encode())


def login(system: System, port: int, password: str = DEMO_PASSWORDS["bob"]) -> Answer:
    _ = system
    return call_json(port, "POST", "/login", {"username": "bob", "password": password})


def refreshed(system: System, token: str) -> Answer:
    return form(system, "/oauth/token", f"grant_type=refresh_token&client_id=authlab-web&refresh_token={token}")


def reuse(system: System) -> None:
    token = system.log_in("bob")["refresh_token"]
    refreshed(system, token)
    with Redis.from_url(system.redis_auth.url) as redis:
        name = refresh(hashed(token))
        sid = bytes(redis.get(name) or b"").decode().split(" ")[0]
        redis.set(name, f"{sid} 1", keepttl=True)
    assert 400 == refreshed(system, token).status


def as_admin(system: System, path: str, value: object) -> Answer:
    return call_json(system.auth().port, "POST", path, value, bearer(system.log_in("root")["access_token"]))


def with_token(system: System, method: str, path: str, username: str = "bob") -> Answer:
    return call(system.auth().port, method, path, bearer(system.log_in(username)["access_token"]))


def with_cookie(system: System, path: str, username: str = "bob") -> Answer:
    cookie = system.log_in_by_cookie(SESSION, username)
    return call(system.session(SESSION).port, "POST", path, cookie.headers, b"")


EVENTS: dict[str, tuple[str, Callable[[System], object], str, dict[str, Any]]] = {
    "a login": (AUTH, lambda s: login(s, s.auth().port), "login.succeeded", {"sub": "bob"}),
    "a wrong password": (AUTH, lambda s: login(s, s.auth().port, "x"), "login.failed", {"sub": "bob"}),
    "a login by cookie": (SESSION, lambda s: login(s, s.session(SESSION).port), "login.succeeded", {"sub": "bob"}),
    "a wrong one there": (SESSION, lambda s: login(s, s.session(SESSION).port, "x"), "login.failed", {"sub": "bob"}),
    "a logout": (AUTH, lambda s: with_token(s, "POST", "/logout"), "logout", {"sub": "bob"}),
    "a logout by cookie": (SESSION, lambda s: with_cookie(s, "/logout"), "logout", {"sub": "bob"}),
    "a logout everywhere": (
        AUTH, lambda s: with_token(s, "POST", "/logout-everywhere"), "logout.everywhere", {"sub": "bob"},
    ),
    "one by cookie": (SESSION, lambda s: with_cookie(s, "/logout-everywhere"), "logout.everywhere", {"sub": "bob"}),
    "a refresh": (AUTH, lambda s: refreshed(s, s.log_in("bob")["refresh_token"]), "refresh.succeeded", {"sub": "bob"}),
    "a replayed refresh token": (AUTH, reuse, "refresh.reused", {"sub": "bob", "level": "warning"}),
    "a service's token": (
        AUTH, lambda s: form(s, "/oauth/token", f"grant_type=client_credentials&{SERVICE}"), "client.token",
        {"client": "demo-service"},
    ),
    "a client's wrong secret": (
        AUTH, lambda s: form(s, "/oauth/token", "grant_type=client_credentials&client_id=demo-service&client_secret=x"),
        "client.refused", {"client": "demo-service"},
    ),
    "a revocation": (
        AUTH, lambda s: form(s, "/oauth/revoke", f"client_id=authlab-web&token={s.log_in('bob')['access_token']}"),
        "revoke.token", {"sub": "bob", "client": "authlab-web"},
    ),
    "a revoked family": (
        AUTH, lambda s: form(s, "/oauth/revoke", f"client_id=authlab-web&token={s.log_in('bob')['refresh_token']}"),
        "revoke.family", {"client": "authlab-web"},
    ),
    "new roles": (AUTH, lambda s: as_admin(s, "/admin/accounts/dan/roles", {"roles": ["user"]}), "account.roles",
        {"sub": "dan", "by": "root"}),
    "a new password": (
        AUTH, lambda s: as_admin(s, "/admin/accounts/dan/password", {"password": DEMO_PASSWORDS["dan"]}),
        "account.password", {"sub": "dan", "by": "root"},
    ),
    "a disabled account": (AUTH, lambda s: as_admin(s, "/admin/accounts/dan/disable", {}), "account.disabled",
        {"sub": "dan", "by": "root"}),
    "an enabled account": (AUTH, lambda s: as_admin(s, "/admin/accounts/dan/enable", {}), "account.enabled",
        {"sub": "dan", "by": "root"}),
    "sessions ended by an admin": (
        SESSION, lambda s: with_cookie(s, "/admin/accounts/dan/end-sessions", "root"), "account.sessions_ended",
        {"sub": "dan", "by": "root"},
    ),
    "a role that is missing": (
        RESOURCE, lambda s: call(s.resources()[0].port, "GET", "/admin/audit", bearer(s.log_in("bob")["access_token"])),
        "request.refused", {"status": 403, "reason": "role"},
    ),
    "a forged token": (
        RESOURCE, lambda s: call(s.resources()[0].port, "GET", "/me", bearer("e30.e30.e30")), "request.refused",
        {"status": 401, "reason": "type"},
    ),
    "a request without a CSRF token": (
        SESSION, lambda s: call(s.session(SESSION).port, "POST", "/logout", [s.log_in_by_cookie(SESSION).header], b""),
        "request.refused", {"status": 403, "reason": "csrf"},
    ),
    "a malformed request": (
        SESSION, lambda s: call(s.session(SESSION).port, "GET", "/x", [("A", b"\0")]), "http.malformed",
        {"status": 400},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def dan(system: System) -> str:
    system.add_account("dan", DEMO_PASSWORDS["dan"])
    return "dan"


@pytest.mark.parametrize("name", EVENTS)
def test_what_happened_is_told(system: System, dan: str, name: str) -> None:
    _ = dan
    server, happen, event, expected = EVENTS[name]
    for started in (system.auth(), system.session(SESSION), *system.resources()[:1]):
        assert started
    before = len(system.log(server))
    happen(system)
    written = system.log_with(server, f'"event": "{event}"', after=before)
    lines = [json.loads(line) for line in written.splitlines()]
    found = [line for line in lines if line["event"] == event and expected.items() <= line.items()]
    assert found, lines
    assert found[-1]["timestamp"].endswith("Z")
    assert server == found[-1]["server"]


def test_a_throttled_guess_is_told(own_system: System) -> None:
    settings = own_system.session_settings("memory-session") | {"LOGIN_RATE_PER_ACCOUNT": "1"}
    server = own_system.start("trailed", "session_server", settings)
    server.wait_ready(60)
    for _ in range(2):
        login(own_system, server.port, "x")
    assert '"status": 429, "reason": "account"' in own_system.log_with("trailed", "429")


def test_a_rotated_key_is_told(own_system: System) -> None:
    assert 201 == as_admin(own_system, "/admin/keys/rotate", {}).status
    assert '"event": "keys.rotated"' in own_system.log_with(AUTH, "keys.rotated")
