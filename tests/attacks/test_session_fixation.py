"""A session id that the attacker chose before the victim logged in (SES-04, SES-05): never adopted, and gone after."""

import secrets

import pytest

from lab.processes import ServerProcess
from tests.attacks.system import DEMO_PASSWORDS, SESSION_STRATEGIES, System, cookie_of
from tests.attacks.wire import call, call_json

ALICE = {"username": "alice", "password": DEMO_PASSWORDS["alice"]}


@pytest.fixture(params=SESSION_STRATEGIES)
def strategy(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(system: System, strategy: str) -> ServerProcess:
    return system.session(strategy)


def status_of(server: ServerProcess, name: str, value: str) -> int:
    return call(server.port, "GET", "/me", [("Cookie", f"{name}={value}")]).status


def test_an_unknown_id_is_never_adopted(system: System, server: ServerProcess, strategy: str) -> None:
    name = system.log_in_by_cookie(strategy).name
    chosen = secrets.token_urlsafe(32)
    for path in ("/me", "/unguarded", "/csrf", "/livez"):
        answer = call(server.port, "GET", path, [("Cookie", f"{name}={chosen}")])
        assert answer.header("Set-Cookie") is None
    answer = call_json(server.port, "POST", "/login", ALICE, [("Cookie", f"{name}={chosen}")])
    assert chosen != cookie_of(answer).value
    assert 401 == status_of(server, name, chosen)
    assert 200 == status_of(server, name, cookie_of(answer).value)


def test_logging_in_again_ends_the_session_that_the_cookie_named(
    system: System, server: ServerProcess, strategy: str
) -> None:
    """Also when it is the attacker's own, planted so that the victim's later doings land in it."""
    planted = system.log_in_by_cookie(strategy, "bob")
    answer = call_json(server.port, "POST", "/login", ALICE, [planted.header])
    fresh = cookie_of(answer)
    assert planted.value != fresh.value
    assert planted.csrf != fresh.csrf
    assert 401 == status_of(server, planted.name, planted.value)
    assert "alice" == call(server.port, "GET", "/me", [fresh.header]).json()["sub"]


def test_a_failed_login_neither_ends_nor_makes_a_session(system: System, server: ServerProcess, strategy: str) -> None:
    """Or anybody who can make a victim's browser send a wrong password could log them out."""
    cookie = system.log_in_by_cookie(strategy)
    answer = call_json(server.port, "POST", "/login", {"username": "alice", "password": "wrong"}, [cookie.header])
    assert (401, None) == (answer.status, answer.header("Set-Cookie"))
    assert 200 == status_of(server, cookie.name, cookie.value)


def test_every_login_has_an_id_of_its_own(system: System, strategy: str) -> None:
    values = {system.log_in_by_cookie(strategy).value for _ in range(25)}
    assert 25 == len(values)
    assert all(len(value) == 43 for value in values)


def test_logout_ends_the_session_and_then_the_cookie(system: System, server: ServerProcess, strategy: str) -> None:
    cookie = system.log_in_by_cookie(strategy)
    answer = call(server.port, "POST", "/logout", cookie.headers)
    assert 204 == answer.status
    assert str(answer.header("Set-Cookie")).startswith(f"{cookie.name}=; Path=/; HttpOnly; SameSite=Lax")
    assert "Max-Age=0" in str(answer.header("Set-Cookie"))
    for _ in range(3):
        assert 401 == status_of(server, cookie.name, cookie.value)


def test_a_session_id_is_nowhere_but_in_the_cookie(system: System, server: ServerProcess, strategy: str) -> None:
    """SES-16: not in a body, an address, another header or a log."""
    cookie = system.log_in_by_cookie(strategy)
    for path in ("/me", "/sessions", "/csrf", "/orders", "/openapi.json", "/metrics"):
        assert cookie.value not in call(server.port, "GET", path, [cookie.header]).text
    assert cookie.value not in system.log(strategy)


def test_a_handle_opens_nothing(system: System, server: ServerProcess, strategy: str) -> None:
    """SES-10: what a user sees of their sessions names them, and is no credential."""
    cookie = system.log_in_by_cookie(strategy)
    for entry in call(server.port, "GET", "/sessions", [cookie.header]).json():
        for value in (entry["handle"], entry["handle"].ljust(43, "A")):
            assert 401 == status_of(server, cookie.name, value)


def test_nobody_ends_or_sees_the_session_of_another(system: System, server: ServerProcess, strategy: str) -> None:
    alice, bob = system.log_in_by_cookie(strategy, "alice"), system.log_in_by_cookie(strategy, "bob")
    handles = [entry["handle"] for entry in call(server.port, "GET", "/sessions", [alice.header]).json()]
    seen = call(server.port, "GET", "/sessions", [bob.header]).text
    for handle in handles:
        assert handle not in seen
        assert 404 == call(server.port, "DELETE", f"/sessions/{handle}", bob.headers).status
    assert 200 == status_of(server, alice.name, alice.value)
