"""A refresh token used twice: by a retrying client, by two tabs at once, by a thief (OAU-01 to OAU-07)."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from redis import Redis

from core.redis_keys import hashed, refresh
from tests.attacks.forge import parts
from tests.attacks.system import DEMO_PASSWORDS, Resource, System
from tests.attacks.verdicts import assert_accepted, eventually_refused
from tests.attacks.wire import Answer, bearer, call, call_json

FORM = [("Content-Type", "application/x-www-form-urlencoded")]
PARALLEL = 100


def use(system: System, token: str, more: str = "", client: str = "client_id=authlab-web") -> Answer:
    body = f"grant_type=refresh_token&{client}&refresh_token={token}{more}".encode()
    return call(system.auth().port, "POST", "/oauth/token", FORM, body)


def error_of(answer: Answer) -> tuple[int, str | None]:
    return answer.status, answer.json().get("error")


INVALID = (400, "invalid_grant")


def grow_old(system: System, token: str, seconds: int = 11) -> None:
    """Move the moment of a refresh token's use into the past: the store's clock is not ours to move."""
    name = refresh(hashed(token))
    with Redis.from_url(system.redis_auth.url) as redis:
        sid, used_ms = bytes(redis.get(name) or b"").decode().split(" ")
        redis.set(name, f"{sid} {int(used_ms) - seconds * 1000}", keepttl=True)


@pytest.fixture
def revoking(resources: list[Resource]) -> list[Resource]:
    return [resource for resource in resources if resource.strategy != "plain-jwt"]


def test_each_use_brings_a_new_token_and_the_answer_is_not_cached(system: System) -> None:
    first = system.log_in("root")["refresh_token"]
    answer = use(system, first)
    second = answer.json()["refresh_token"]
    assert (200, "no-store", "Bearer") == (answer.status, answer.header("Cache-Control"), answer.json()["token_type"])
    assert first != second
    assert 43 == len(first) == len(second)
    assert 200 == use(system, second).status


def test_a_hundred_uses_at_once_have_one_successor(system: System) -> None:
    """OAU-02: or a thief and a victim would each go on with a family of their own."""
    token = system.log_in("root")["refresh_token"]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: use(system, token), range(PARALLEL)))
    assert {200} == {answer.status for answer in answers}
    assert 1 == len({answer.json()["refresh_token"] for answer in answers})
    assert 200 == use(system, answers[0].json()["refresh_token"]).status


def test_a_retry_after_a_lost_answer_gets_the_same_successor(system: System) -> None:
    """OAU-04: a client whose answer was lost is no thief."""
    token = system.log_in("root")["refresh_token"]
    assert use(system, token).json()["refresh_token"] == use(system, token).json()["refresh_token"]


def test_a_replay_after_the_grace_ends_the_family_and_its_access_tokens(
    system: System, revoking: list[Resource]
) -> None:
    """OAU-03: one of the two is a thief, and nobody can tell which."""
    login = system.log_in("root")
    second = use(system, login["refresh_token"]).json()
    assert_accepted(revoking, second["access_token"])
    grow_old(system, login["refresh_token"])
    assert INVALID == error_of(use(system, login["refresh_token"]))
    for token in (login["refresh_token"], second["refresh_token"]):
        assert INVALID == error_of(use(system, token))
    for token in (login["access_token"], second["access_token"]):
        eventually_refused(revoking, token)
    assert "refresh.reused" in system.log_with("auth-HS256", "refresh.reused")


def test_a_replay_within_the_grace_is_refused_once_its_successor_was_used(system: System) -> None:
    """And the family stands: this is what two quick tabs look like."""
    first = system.log_in("root")["refresh_token"]
    second = use(system, first).json()["refresh_token"]
    third = use(system, second).json()["refresh_token"]
    assert INVALID == error_of(use(system, first))
    assert 200 == use(system, third).status


def test_a_storm_of_replays_never_leaves_two_living_tokens(system: System) -> None:
    """Thieves and victim together, each going on with whatever they got: one chain, or none."""
    seen = [system.log_in("root")["refresh_token"]]
    for _ in range(4):
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda token: use(system, token), seen * 3))
        fresh = {answer.json()["refresh_token"] for answer in answers if answer.status == 200} - set(seen)
        assert len(fresh) <= 1
        assert {answer.status for answer in answers} <= {200, 400}
        seen += fresh


def test_a_refresh_token_belongs_to_its_client(system: System) -> None:
    token = system.log_in("root")["refresh_token"]
    other = "client_id=demo-service&client_secret=demo-service-secret"
    assert error_of(use(system, token, client=other)) in {INVALID, (400, "unauthorized_client")}
    assert error_of(use(system, token, client="client_id=nobody")) == (401, "invalid_client")
    assert 200 == use(system, token).status


@pytest.mark.parametrize(
    "scope", ["admin", "orders:read orders:write admin", "openid", "*", "orders:read%0aadmin", "orders:read%09admin"]
)
def test_a_scope_cannot_be_widened(system: System, scope: str) -> None:
    token = system.log_in("bob")["refresh_token"]
    answer = use(system, token, f"&scope={scope}")
    assert (400, "invalid_scope") == error_of(answer)


def test_a_scope_can_be_narrowed_and_then_not_be_widened_by_a_trick(system: System) -> None:
    login = system.log_in("root")
    narrow = use(system, login["refresh_token"], "&scope=orders:read").json()
    assert "orders:read" == narrow["scope"] == parts(narrow["access_token"])[1]["scope"]
    assert 400 == use(system, narrow["refresh_token"], "&scope=orders:read&scope=admin").status


@pytest.mark.parametrize(
    "token",
    ["", "x", "A" * 43, "A" * 42, "A" * 44, "%00" * 43, "%F0%9F%98%80", "..%2f..%2f", "{sid}", "*", "e30.e30.e30"],
)
def test_what_is_no_refresh_token_is_refused(system: System, token: str) -> None:
    assert error_of(use(system, token)) in {INVALID, (400, "invalid_request")}


def test_no_other_kind_of_token_refreshes(system: System) -> None:
    login = system.log_in("root", token_format="opaque")
    cookie = system.log_in_by_cookie("redis-session")
    for token in (login["access_token"], system.log_in()["access_token"], cookie.value, cookie.csrf):
        assert INVALID == error_of(use(system, token))
    assert 200 == use(system, login["refresh_token"]).status


def end_by_logout(system: System, login: dict[str, Any]) -> Answer:
    return call(system.auth().port, "POST", "/logout", bearer(login["access_token"]))


def end_by_logout_everywhere(system: System, login: dict[str, Any]) -> Answer:
    return call(system.auth().port, "POST", "/logout-everywhere", bearer(login["access_token"]))


def end_by_revocation(system: System, login: dict[str, Any]) -> Answer:
    body = f"client_id=authlab-web&token={login['refresh_token']}&token_type_hint=access_token".encode()
    return call(system.auth().port, "POST", "/oauth/revoke", FORM, body)


def end_by_handle(system: System, login: dict[str, Any]) -> Answer:
    handle = parts(login["access_token"])[1]["sid"]
    return call(system.auth().port, "DELETE", f"/logins/{handle}", bearer(system.log_in("carl")["access_token"]))


def by_admin(system: System, change: str, value: object) -> Answer:
    admin = bearer(system.log_in("root")["access_token"])
    return call_json(system.auth().port, "POST", f"/admin/accounts/carl/{change}", value, admin)


def end_by_new_password(system: System, _: dict[str, Any]) -> Answer:
    return by_admin(system, "password", {"password": DEMO_PASSWORDS["carl"]})


def end_by_new_roles(system: System, _: dict[str, Any]) -> Answer:
    return by_admin(system, "roles", {"roles": ["user"]})


def end_by_disabling(system: System, _: dict[str, Any]) -> Answer:
    answer = by_admin(system, "disable", {})
    assert 200 == by_admin(system, "enable", {}).status
    return answer


@pytest.fixture(scope="module")
def carl(system: System) -> str:
    """Add an account that may be changed and locked out: everybody else's logins stay."""
    system.add_account("carl", DEMO_PASSWORDS["carl"])
    return "carl"


@pytest.mark.parametrize(
    "end",
    [
        end_by_logout,
        end_by_logout_everywhere,
        end_by_revocation,
        end_by_handle,
        end_by_new_password,
        end_by_new_roles,
        end_by_disabling,
    ],
)
def test_what_ends_a_login_ends_its_family_and_its_access_tokens(
    system: System, revoking: list[Resource], carl: str, end: Callable[[System, dict[str, Any]], Answer]
) -> None:
    """OAU-07, and REV-01 for the revocation whose hint is wrong."""
    login = system.log_in(carl)
    assert_accepted(revoking, login["access_token"], carl)
    assert end(system, login).status in {200, 204}
    assert INVALID == error_of(use(system, login["refresh_token"]))
    eventually_refused(revoking, login["access_token"])
    time.sleep(0.002)
    assert_accepted(revoking, system.log_in(carl)["access_token"], carl)
