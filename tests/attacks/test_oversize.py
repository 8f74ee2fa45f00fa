"""Everything, a byte too long or far too long (JWT-02, HTTP-02): refused at once, and never read to the end."""

import json
import time
from itertools import product

import pytest

from lab.processes import ServerProcess
from tests.attacks.forge import b64
from tests.attacks.insider import Insider
from tests.attacks.system import Resource, System
from tests.attacks.verdicts import assert_accepted, assert_refused, present
from tests.attacks.wire import Wire, call, call_json, request_bytes

MAX_TOKEN = 4096
JSON = ("Content-Type", "application/json")
FORM = ("Content-Type", "application/x-www-form-urlencoded")
CHUNKED_LOGIN = (
    b"POST /login HTTP/1.1", b"Host: x", b"Content-Type: application/json", b"Transfer-Encoding: chunked",
)  # fmt: skip


@pytest.fixture(scope="module")
def servers(system: System) -> list[ServerProcess]:
    return [system.auth(), system.resources()[0].process, system.session("redis-session")]


def token_of(insider: Insider, length: int) -> str:
    """Sign a token of exactly this length. A segment of base64url cannot have every length, two together can."""
    missing = (length - len(insider.sign(None, insider.claims(x="")))) * 3 // 4
    tokens = (
        insider.sign(insider.header(x="y" * more), insider.claims(x="y" * filling))
        for filling, more in product(range(missing - 12, missing + 6), range(3))
    )
    return next(token for token in tokens if len(token) == length)


def test_a_token_as_long_as_allowed_is_accepted_and_one_byte_more_is_not(
    resources: list[Resource], insider: Insider
) -> None:
    assert_accepted(resources, token_of(insider, MAX_TOKEN))
    assert_refused(resources, {str(length): token_of(insider, length) for length in (MAX_TOKEN + 1, 6000, 8000)})


def test_a_long_token_header_is_refused(resources: list[Resource], insider: Insider) -> None:
    """At most 1 KiB of the header is looked at."""
    tokens = {length: insider.sign(insider.header(x="y" * length)) for length in (600, 700, 2000)}
    assert [False, True, True] == [len(token.split(".")[0]) > 1024 for token in tokens.values()]
    assert_accepted(resources, tokens[600])
    assert_refused(resources, {"700": tokens[700], "2000": tokens[2000]})


@pytest.mark.parametrize("length", [8192, 100_000, 1_000_000])
def test_a_token_that_is_no_header_line_ends_the_connection(resources: list[Resource], length: int) -> None:
    for resource in resources:
        assert 400 == present(resource, b"A" * length).status


def test_refusing_junk_is_cheaper_than_verifying(resources: list[Resource], insider: Insider) -> None:
    """JWT-02: a token that is too long must not buy more work than a good one. PyJWT spends 0.5 ms on 8 KB of junk."""
    uncached = next(resource for resource in resources if resource.name == "plain-jwt-HS256-uncached")

    def best_s(token: str) -> float:
        with Wire(uncached.port) as wire:
            request = request_bytes("GET", "/me", [("Authorization", f"Bearer {token}")])
            times = []
            for _ in range(150):
                began = time.perf_counter()
                wire.exchange(request)
                times.append(time.perf_counter() - began)
        return sorted(times)[len(times) // 4]

    assert best_s(b64(b"{" * 5900)) < best_s(insider.sign()) * 2 + 0.0005


@pytest.mark.parametrize(
    "hostile",
    [
        b"GET /" + b"a" * 8200 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /livez?" + b"a" * 8200 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 8200 + b"\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"a" * 8200 + b": b\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"".join(b"A%d: b\r\n" % number for number in range(130)) + b"\r\n",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nCookie: " + b"a=b; " * 2000 + b"\r\n\r\n",
        b"A" * 20_000,
        b"GET /livez HTTP/1.1\r\nHost: " + b"x" * 9000 + b"\r\n\r\n",
    ],
    ids=["path", "query", "value", "name", "count", "cookies", "method", "host"],
)
def test_an_oversized_head_is_refused(servers: list[ServerProcess], hostile: bytes) -> None:
    for server in servers:
        with Wire(server.port) as wire:
            wire.send(hostile)
            answers = wire.rest()
        assert answers.startswith(b"HTTP/1.1 400 "), (server.name, answers[:200])
        assert 1 == answers.count(b"HTTP/1.1 ")


def test_a_declared_oversized_body_is_refused_before_it_is_sent(system: System) -> None:
    for port in (system.auth().port, system.session("redis-session").port):
        for length in (16 * 1024 + 1, 10**9, 10**15):
            with Wire(port) as wire:
                wire.send(
                    b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                    b"Content-Length: %d\r\n\r\n" % length
                )
                answer = wire.answer()
                assert (413, "too_large") == (answer.status, answer.json()["code"])


def test_an_undeclared_oversized_body_is_refused(system: System) -> None:
    for port in (system.auth().port, system.session("redis-session").port):
        with Wire(port) as wire:
            wire.send(b"\r\n".join(CHUNKED_LOGIN) + b"\r\n\r\n")
            for _ in range(40):
                wire.send(b"200\r\n" + b" " * 512 + b"\r\n")
            assert 413 == wire.answer().status


def test_a_password_of_a_megabyte_is_refused_quickly(system: System) -> None:
    """PWD-04: argon2 must not see it."""
    for port in (system.auth().port, system.session("redis-session").port):
        began = time.monotonic()
        answer = call_json(port, "POST", "/login", {"username": "alice", "password": "p" * 1_000_000})
        assert 413 == answer.status
        assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    "credentials",
    [
        {"username": "a" * 65, "password": "p"},
        {"username": "alice", "password": "p" * 1025},
        {"username": "", "password": "p"},
        {"username": "alice", "password": ""},
        {"username": "alice", "password": "p", "x": "y"},
        {"username": ["alice"], "password": "p"},
        {"username": "alice", "password": 1},
    ],
)
def test_credentials_that_cannot_be_right_are_refused_without_work(
    system: System, credentials: dict[str, object]
) -> None:
    for port in (system.auth().port, system.session("redis-session").port):
        answer = call_json(port, "POST", "/login", credentials)
        assert 400 == answer.status
        assert "p" * 100 not in answer.text


def test_a_form_of_many_fields_is_refused(system: System) -> None:
    form = "&".join(f"a{number}=b" for number in range(1000)).encode()
    assert 400 == call(system.auth().port, "POST", "/oauth/token", [FORM], form).status


def test_a_long_token_in_a_form_is_only_inactive(system: System) -> None:
    for token in ("A" * 15_000, "." * 15_000, "e30." * 3000):
        form = f"client_id=demo-resource&client_secret=demo-resource-secret&token={token}".encode()
        answer = call(system.auth().port, "POST", "/oauth/introspect", [FORM], form)
        assert (200, {"active": False}) == (answer.status, answer.json())


@pytest.mark.parametrize("nested", ["[" * 8000, '{"a":' * 3000, "[" * 3000 + "]" * 3000])
def test_nested_json_is_refused(system: System, nested: str) -> None:
    body = b'{"username":"alice","password":' + nested.encode() + b"}"
    for port in (system.auth().port, system.session("redis-session").port):
        assert 400 == call(port, "POST", "/login", [JSON], body).status


@pytest.mark.parametrize("length", [44, 1000, 8000])
def test_a_long_cookie_is_refused(system: System, length: int) -> None:
    for strategy in ("memory-session", "redis-session", "tracked-session"):
        name = system.log_in_by_cookie(strategy).name
        answer = call(system.session(strategy).port, "GET", "/me", [("Cookie", f"{name}={'A' * length}")])
        assert 401 == answer.status


def test_a_long_handle_is_only_unknown(system: System) -> None:
    cookie = system.log_in_by_cookie("redis-session")
    answer = call(system.session("redis-session").port, "DELETE", f"/sessions/{'h' * 7000}", cookie.headers)
    assert (404, "not_found") == (answer.status, answer.json()["code"])


def test_an_order_is_bounded(system: System) -> None:
    cookie = system.log_in_by_cookie("redis-session")
    port = system.session("redis-session").port
    for order in ({"item": "a" * 101, "quantity": 1}, {"item": "a", "quantity": 10**30}, {"item": "a", "quantity": -1}):
        body = json.dumps(order).encode()
        assert 400 == call(port, "POST", "/orders", [JSON, *cookie.headers], body).status
