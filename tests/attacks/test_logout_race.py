"""A request that runs while its own login is ended: after the bound of its strategy, nothing comes back (SES-08).

Each thread notes when a request left and what it got. What left after the logout was answered, and the promise had
passed, must be refused: every one, not most.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from redis import Redis

from core.redis_keys import hashed, session
from tests.attacks.system import DEMO_PASSWORDS, SESSION_STRATEGIES, Resource, System, cookie_of
from tests.attacks.wire import Answer, Headers, Wire, bearer, call, call_json, request_bytes

ROUNDS = 5
THREADS = 3
FORM = [("Content-Type", "application/x-www-form-urlencoded")]


@contextmanager
def hammering(port: int, headers: Headers) -> Iterator[list[tuple[float, int]]]:
    """Ask for /me from several connections, as fast as they go; yield when each request left and what it got."""
    seen: list[tuple[float, int]] = []
    stop = threading.Event()

    def ask() -> None:
        request = request_bytes("GET", "/me", headers)
        with Wire(port) as wire:
            while not stop.is_set():
                left_at = time.monotonic()
                seen.append((left_at, wire.exchange(request).status))

    threads = [threading.Thread(target=ask) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def assert_over(seen: list[tuple[float, int]], ended_at: float, bound_s: float = 0.0) -> None:
    """Assert that it worked before, that it is refused now, and that nothing was accepted after the bound."""
    accepted = [left_at for left_at, status in seen if status == 200]
    assert min(accepted) < ended_at
    assert {200, 401} == {status for _, status in seen}
    assert max(accepted) <= ended_at + bound_s


def wait_for_refusal(seen: list[tuple[float, int]]) -> None:
    deadline = time.monotonic() + 3
    while all(status != 401 for _, status in seen[-THREADS:]) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)


@pytest.mark.parametrize("strategy", ["denylisted-jwt", "pushed-jwt", "introspected-token"])
def test_no_token_comes_back_from_a_logout(system: System, resources: list[Resource], strategy: str) -> None:
    resource = next(resource for resource in resources if resource.strategy == strategy)
    for _ in range(ROUNDS):
        credential = bearer(system.log_in("alice")["access_token"])
        with hammering(resource.port, credential) as seen:
            time.sleep(0.03)
            assert 204 == call(system.auth().port, "POST", "/logout", credential).status
            ended_at = time.monotonic()
            wait_for_refusal(seen)
        assert_over(seen, ended_at, 1.0 if strategy == "pushed-jwt" else 0.0)


@pytest.mark.parametrize("strategy", SESSION_STRATEGIES)
@pytest.mark.parametrize("path", ["/logout", "/logout-everywhere"])
def test_no_session_comes_back_from_a_logout(system: System, strategy: str, path: str) -> None:
    """On the server that was asked, at once: it needs no word from Redis to know."""
    port = system.session(strategy).port
    for _ in range(ROUNDS):
        cookie = system.log_in_by_cookie(strategy, "alice")
        with hammering(port, [cookie.header]) as seen:
            time.sleep(0.03)
            assert 204 == call(port, "POST", path, cookie.headers).status
            ended_at = time.monotonic()
            wait_for_refusal(seen)
        assert_over(seen, ended_at)


def test_on_another_server_a_tracked_session_is_over_within_its_promise(system: System) -> None:
    settings = system.session_settings("tracked-session")
    other = system.start("tracked-session-2", "session_server", settings)
    other.wait_ready(60)
    for _ in range(ROUNDS):
        cookie = system.log_in_by_cookie("tracked-session", "alice")
        with hammering(other.port, [cookie.header]) as seen:
            time.sleep(0.03)
            assert 204 == call(system.session("tracked-session").port, "POST", "/logout", cookie.headers).status
            ended_at = time.monotonic()
            wait_for_refusal(seen)
        assert_over(seen, ended_at, 1.0)


def raced(one: Callable[[], Answer], other: Callable[[], Answer]) -> tuple[Answer, Answer]:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.submit(one), pool.submit(other)
        return first.result(), second.result()


def test_a_refresh_that_races_a_logout_brings_nothing_back(system: System, resources: list[Resource]) -> None:
    """Whatever the refresh answered: its access token is refused afterwards, its refresh token too."""
    port = system.auth().port
    denylisted = next(resource for resource in resources if resource.strategy == "denylisted-jwt")
    answered: set[int] = set()
    for number in range(ROUNDS * 4):
        login = system.log_in("alice")
        path = "/logout" if number % 2 else "/logout-everywhere"
        body = f"grant_type=refresh_token&client_id=authlab-web&refresh_token={login['refresh_token']}".encode()
        refreshed, ended = raced(
            lambda body=body: call(port, "POST", "/oauth/token", FORM, body),  # type: ignore[misc] # a loop's value
            lambda path=path, login=login: call(port, "POST", path, bearer(login["access_token"])),  # type: ignore[misc] # as above
        )
        assert 204 == ended.status
        answered.add(refreshed.status)
        if refreshed.status == 200:
            tokens: dict[str, Any] = refreshed.json()
            assert 401 == call(denylisted.port, "GET", "/me", bearer(tokens["access_token"])).status
            body = f"grant_type=refresh_token&client_id=authlab-web&refresh_token={tokens['refresh_token']}".encode()
            assert 400 == call(port, "POST", "/oauth/token", FORM, body).status
    assert answered <= {200, 400}


@pytest.mark.parametrize("strategy", SESSION_STRATEGIES)
def test_a_login_that_races_a_logout_everywhere_is_over_or_began_later(system: System, strategy: str) -> None:
    """Fifty logins at once, and in their middle the end of all: whoever lives on is on the list of the living."""
    port = system.session(strategy).port
    alice = {"username": "alice", "password": DEMO_PASSWORDS["alice"]}
    cookie = system.log_in_by_cookie(strategy, "alice")
    with ThreadPoolExecutor(12) as pool:
        logins = [pool.submit(call_json, port, "POST", "/login", alice) for _ in range(50)]
        ended = pool.submit(call, port, "POST", "/logout-everywhere", cookie.headers)
    assert 204 == ended.result().status
    answers = [login.result() for login in logins]
    assert {answer.status for answer in answers} <= {200, 503}
    cookies = [cookie_of(answer) for answer in answers if answer.status == 200]
    living = [one for one in cookies if call(port, "GET", "/me", [one.header]).status == 200]
    fresh = system.log_in_by_cookie(strategy, "alice")
    listed = call(port, "GET", "/sessions", [fresh.header]).json()
    assert len(living) + 1 == len(listed), "no session lives outside of the list that the next logout-everywhere ends"
    assert 204 == call(port, "POST", "/logout-everywhere", fresh.headers).status
    assert {401} == {call(port, "GET", "/me", [one.header]).status for one in [*cookies, fresh]}


def test_a_login_that_races_a_logout_everywhere_on_the_token_side(system: System, resources: list[Resource]) -> None:
    port = system.auth().port
    denylisted = next(resource for resource in resources if resource.strategy == "denylisted-jwt")
    alice = {"username": "alice", "password": DEMO_PASSWORDS["alice"]}
    before = system.log_in("alice")
    with ThreadPoolExecutor(12) as pool:
        logins = [pool.submit(call_json, port, "POST", "/login", alice) for _ in range(50)]
        ended = pool.submit(call, port, "POST", "/logout-everywhere", bearer(before["access_token"]))
    assert 204 == ended.result().status
    tokens = [login.result().json() for login in logins if login.result().status == 200]
    living = [one for one in tokens if call(denylisted.port, "GET", "/me", bearer(one["access_token"])).status == 200]
    listed = call(port, "GET", "/logins", bearer((fresh := system.log_in("alice"))["access_token"])).json()
    assert len(living) + 1 == len(listed)
    assert 204 == call(port, "POST", "/logout-everywhere", bearer(fresh["access_token"])).status
    everything = [*tokens, fresh]
    assert {401} == {call(denylisted.port, "GET", "/me", bearer(one["access_token"])).status for one in everything}


def test_keeping_a_session_alive_never_brings_back_an_ended_one(system: System) -> None:
    """SES-18: the write that extends a used session may arrive after the logout; it must not create."""
    settings = system.session_settings("redis-session") | {"SESSION_IDLE_TTL_S": "1"}
    server = system.start("short-lived", "session_server", settings)
    server.wait_ready(60)
    credentials = {"username": "bob", "password": DEMO_PASSWORDS["bob"]}
    for _ in range(5):
        cookie = cookie_of(call_json(server.port, "POST", "/login", credentials))
        time.sleep(0.11)
        assert 200 == call(server.port, "GET", "/me", [cookie.header]).status
        assert 204 == call(server.port, "POST", "/logout", cookie.headers).status
        time.sleep(0.07)
        assert 401 == call(server.port, "GET", "/me", [cookie.header]).status
        with Redis.from_url(system.redis_sessions.url) as redis:
            assert not redis.exists(session(hashed(cookie.value)))
