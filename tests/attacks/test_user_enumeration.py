"""Finding out who has an account, from what a login answers or from how long it takes (PWD-03, OAU-12)."""

import statistics
import time
from itertools import count

import pytest

from lab.processes import ServerProcess
from tests.attacks.system import System
from tests.attacks.wire import Answer, Wire, call, call_json, request_bytes

PASSWORD = "a-long-and-winding-passphrase"
WRONG = "not-the-password-of-anybody"
HASHES = {"LOGIN_HASH_MEMORY_KIB": "4096", "LOGIN_RATE_PER_ACCOUNT": "1000000"}
"""Dear enough to be seen through the noise of a busy machine, cheap enough for hundreds of samples."""
HASHED = ("known", "unknown", "disabled", "outdated")
ROUNDS, TRIES = 125, 4
FORM = ("Content-Type", "application/x-www-form-urlencoded")
fresh_names = (f"nobody-{number}" for number in count())


@pytest.fixture(scope="module")
def servers(own_system: System) -> list[ServerProcess]:
    """Start a server of each side. Olga's password has a hash of weaker, older parameters; Dora is disabled."""
    port = own_system.auth().port
    own_system.add_account("olga", PASSWORD)
    settings = own_system.auth_settings("auth-HS256", port) | HASHES
    started = [
        own_system.start("enumerated-auth", "auth_server", settings),
        own_system.start("enumerated-session", "session_server", own_system.session_settings("redis-session") | HASHES),
    ]
    for server in started:
        server.wait_ready(60)
    own_system.add_account("dora", PASSWORD, disabled=True, port=started[0].port)
    own_system.add_account("nora", PASSWORD, port=started[0].port)
    return started


def visible(answer: Answer) -> tuple[int, list[tuple[str, str]], bytes]:
    changing = {"date", "x-request-id"}
    return answer.status, [pair for pair in answer.headers if pair[0].lower() not in changing], answer.body


def log_in(server: ServerProcess, username: str, password: str = WRONG) -> Answer:
    return call_json(server.port, "POST", "/login", {"username": username, "password": password})


def test_every_wrong_login_is_answered_with_the_same_bytes(servers: list[ServerProcess]) -> None:
    for server in servers:
        expected = visible(log_in(server, "alice"))
        assert 401 == expected[0]
        for username in (
            "nobody",
            "Alice",
            "alice ",
            "ALICE",
            "dora",
            "root",
            "client:demo-service",
            "*",
            "\u0000",
            "a" * 64,
        ):
            assert expected == visible(log_in(server, username)), (server.name, username)
        assert expected == visible(log_in(server, "dora", PASSWORD)), "a disabled account with its right password"
        assert expected == visible(log_in(server, "alice", "x" * 1024))


def test_a_throttled_account_and_a_throttled_nobody_look_the_same(own_system: System) -> None:
    settings = own_system.session_settings("redis-session") | {"LOGIN_RATE_PER_ACCOUNT": "1"}
    server = own_system.start("throttled", "session_server", settings)
    server.wait_ready(60)
    answers = []
    for username in ("bob", "nobody-to-throttle"):
        assert 401 == log_in(server, username).status
        answers.append(visible(log_in(server, username)))
    assert 429 == answers[0][0]
    assert answers[0] == answers[1]


def times_ms(server: ServerProcess, rounds: int = ROUNDS) -> dict[str, float]:
    """Return the median time of each kind of login, all measured in turn on one connection."""
    took: dict[str, list[float]] = {kind: [] for kind in (*HASHED, "not hashed")}
    with Wire(server.port) as wire:
        for _ in range(rounds):
            for kind, username in (
                ("known", "nora"),
                ("unknown", next(fresh_names)),
                ("disabled", "dora"),
                ("outdated", "olga"),
                ("not hashed", "x" * 65),
            ):
                body = f'{{"username":"{username}","password":"{WRONG}"}}'.encode()
                request = request_bytes("POST", "/login", [("Content-Type", "application/json")], body)
                began = time.perf_counter()
                wire.exchange(request)
                took[kind].append((time.perf_counter() - began) * 1000)
    return {kind: statistics.median(values) for kind, values in took.items()}


@pytest.mark.parametrize("side", [0, 1], ids=["token side", "session side"])
def test_the_time_does_not_tell_who_has_an_account(servers: list[ServerProcess], side: int) -> None:
    """Medians of interleaved logins differ by less than a fifth of a hash; without the dummy hash by a whole one.

    A busy machine may spoil one measurement, not all of them.
    """
    spreads = []
    for _ in range(TRIES):
        medians = times_ms(servers[side])
        hash_ms = medians["known"] - medians["not hashed"]
        hashed = [medians[kind] for kind in HASHED]
        spreads.append((max(hashed) - min(hashed)) / hash_ms)
        if spreads[-1] < 0.2:
            return
    raise AssertionError(spreads)


def test_the_measurement_would_notice_a_hash_that_is_left_out(servers: list[ServerProcess]) -> None:
    medians = times_ms(servers[0], rounds=20)
    assert medians["known"] > 3 * medians["not hashed"]


def test_an_unknown_client_and_a_wrong_secret_look_the_same(own_system: System) -> None:
    port = own_system.auth().port
    answers = {
        client: visible(
            call(
                port,
                "POST",
                path,
                [FORM],
                f"client_id={client}&client_secret=wrong&token=x&grant_type={grant}".encode(),
            )
        )
        for client, path, grant in (
            ("demo-service", "/oauth/token", "client_credentials"),
            ("nobody", "/oauth/token", "client_credentials"),
            ("demo-resource", "/oauth/introspect", ""),
            ("nobody-else", "/oauth/introspect", ""),
            ("authlab-web", "/oauth/introspect", ""),
        )
    }
    assert 1 == len({repr(answer) for answer in answers.values()}), answers
    assert 401 == answers["nobody"][0]


def test_what_introspection_says_of_a_token_that_is_none_tells_nothing(own_system: System) -> None:
    """INT-01: expired, revoked, malformed, unknown: the same bytes."""
    port = own_system.auth().port
    token = own_system.log_in("bob")["access_token"]
    assert 204 == call(port, "POST", "/logout", [("Authorization", f"Bearer {token}")]).status
    refresh_token = own_system.log_in("bob")["refresh_token"]
    answers = {
        repr(visible(call(port, "POST", "/oauth/introspect", [FORM], body.encode())))
        for body in (
            f"client_id=demo-resource&client_secret=demo-resource-secret&token={text}"
            for text in (token, "x", "A" * 43, refresh_token, "e30.e30.e30", "%00", "%F0%9F%98%80")
        )
    }
    assert 1 == len(answers), answers
    assert '{"active":false}' in answers.pop()
