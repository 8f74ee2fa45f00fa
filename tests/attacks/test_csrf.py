"""A page of another site makes the victim's browser send something (SES-13, SES-14, SES-15)."""

import json
from typing import Any

import pytest

from lab.processes import ServerProcess
from tests.attacks.system import DEMO_PASSWORDS, SESSION_STRATEGIES, Cookie, System
from tests.attacks.wire import Answer, call, call_json

ORDER = {"item": "pears", "quantity": 1}
JSON = ("Content-Type", "application/json")
FORM = ("Content-Type", "application/x-www-form-urlencoded")
TEXT = ("Content-Type", "text/plain")
UNSAFE = (
    ("POST", "/orders"),
    ("POST", "/logout"),
    ("POST", "/logout-everywhere"),
    ("DELETE", "/sessions/some-handle"),
    ("POST", "/admin/accounts/bob/end-sessions"),
)


@pytest.fixture(params=SESSION_STRATEGIES)
def server(system: System, request: pytest.FixtureRequest) -> ServerProcess:
    return system.session(request.param)


@pytest.fixture
def victim(system: System, server: ServerProcess) -> Cookie:
    return system.log_in_by_cookie(server.name, "root")


def order(server: ServerProcess, *headers: tuple[str, str | bytes]) -> Answer:
    return call(server.port, "POST", "/orders", [JSON, *headers], json.dumps(ORDER).encode())


def is_csrf_refusal(answer: Answer) -> bool:
    return (403, "csrf") == (answer.status, answer.json()["code"])


def own(server: ServerProcess) -> tuple[str, str]:
    return ("Origin", f"http://127.0.0.1:{server.port}")


@pytest.mark.parametrize(("method", "path"), UNSAFE)
def test_without_the_sessions_token_nothing_is_changed(
    server: ServerProcess, victim: Cookie, method: str, path: str
) -> None:
    """The cookie alone, which a browser sends by itself, is never enough."""
    assert is_csrf_refusal(call(server.port, method, path, [victim.header], b""))
    assert is_csrf_refusal(call(server.port, method, path, [victim.header, own(server)], b""))
    assert 200 == call(server.port, "GET", "/me", [victim.header]).status


def test_a_form_of_another_site_changes_nothing(server: ServerProcess, victim: Cookie) -> None:
    """What a page can make a browser send without asking: three content types, and no header of its own."""
    bodies = {
        FORM: f"item=pears&quantity=1&X-CSRF-Token={victim.csrf}&csrf_token={victim.csrf}".encode(),
        TEXT: json.dumps(ORDER).encode(),
        ("Content-Type", "multipart/form-data; boundary=x"): b"--x\r\n\r\n{}\r\n--x--\r\n",
    }
    for kind, body in bodies.items():
        for site in ("cross-site", "same-site", "none"):
            headers = [kind, victim.header, ("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", "navigate")]
            assert is_csrf_refusal(call(server.port, "POST", f"/orders?csrf_token={victim.csrf}", headers, body))


FOREIGN = (
    "null", "", "http://evil.example", "https://evil.example", "http://127.0.0.1", "http://127.0.0.1:1",
    "http://localhost:{port}", "http://127.0.0.1:{port}.evil.example", "http://127.0.0.1:{port}@evil.example",
    "http://evil.example/http://127.0.0.1:{port}", "http://127.0.0.1:{port}/", "HTTP://127.0.0.1:{port}",
    "ftp://127.0.0.1:{port}", "127.0.0.1:{port}", "http://sub.127.0.0.1:{port}",
    "http://127.0.0.1:{port} http://evil.example", "http://127.0.0.1:{port}\u00a0", "file://",
    "chrome-extension://abc",
)  # fmt: skip


@pytest.mark.parametrize("origin", FOREIGN)
def test_another_origin_changes_nothing_even_with_the_right_token(
    server: ServerProcess, victim: Cookie, origin: str
) -> None:
    sent = origin.format(port=server.port).encode()
    answer = order(server, *victim.headers, ("Origin", sent))
    assert answer.status in {400, 403}, answer
    assert answer.json()["code"] in {"csrf", "bad_request"}


def test_two_origins_change_nothing(server: ServerProcess, victim: Cookie) -> None:
    foreign = ("Origin", "http://evil.example")
    for origins in ((own(server), foreign), (foreign, own(server)), (own(server), own(server))):
        assert is_csrf_refusal(order(server, *victim.headers, *origins))


def test_the_host_header_does_not_make_an_origin_ours(server: ServerProcess, victim: Cookie) -> None:
    """HTTP-04: comparing Origin with Host would let a DNS rebinding through."""
    forwarded = [
        ("X-Forwarded-Host", "evil.example"),
        ("Forwarded", "host=evil.example"),
        ("X-Original-Host", "evil.example"),
    ]
    assert is_csrf_refusal(order(server, *victim.headers, *forwarded, ("Origin", "http://evil.example")))


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", "unknown", ""])
def test_a_browser_that_says_it_comes_from_elsewhere_is_believed(
    server: ServerProcess, victim: Cookie, site: str
) -> None:
    assert is_csrf_refusal(order(server, *victim.headers, ("Sec-Fetch-Site", site)))


def test_the_token_of_another_session_does_not_fit(system: System, server: ServerProcess, victim: Cookie) -> None:
    """Also one of the victim's own others, and one from before a new login."""
    other, earlier = system.log_in_by_cookie(server.name, "bob"), system.log_in_by_cookie(server.name, "root")
    answer = call_json(
        server.port, "POST", "/login", {"username": "root", "password": DEMO_PASSWORDS["root"]}, [earlier.header]
    )
    assert 200 == answer.status
    wrong: list[Any] = [
        other.csrf,
        earlier.csrf,
        victim.value,
        "",
        "x",
        victim.csrf[:-1],
        victim.csrf + "A",
        victim.csrf.lower(),
    ]
    for token in wrong:
        assert is_csrf_refusal(order(server, victim.header, ("X-CSRF-Token", token))), token
    assert is_csrf_refusal(order(server, *victim.headers, ("X-CSRF-Token", victim.csrf)))
    assert is_csrf_refusal(order(server, victim.header, ("X-CSRF-Token", b"\xff" * 43)))


def test_a_page_of_ours_may(server: ServerProcess, victim: Cookie) -> None:
    """With the token: from our origin, from no origin at all (curl), and as a browser marks it."""
    for more in (
        (),
        (own(server),),
        (("Sec-Fetch-Site", "same-origin"),),
        (own(server), ("Sec-Fetch-Site", "same-origin")),
    ):
        assert 201 == order(server, *victim.headers, *more).status


@pytest.mark.parametrize("kind", [FORM, TEXT, ("Content-Type", "multipart/form-data; boundary=x"), ("X", "no type")])
def test_a_form_of_another_site_cannot_log_anybody_in(server: ServerProcess, kind: tuple[str, str]) -> None:
    """SES-15: login CSRF would put the victim into the attacker's account."""
    body = json.dumps({"username": "bob", "password": DEMO_PASSWORDS["bob"]}).encode()
    answer = call(server.port, "POST", "/login", [kind], body)
    assert (415, None) == (answer.status, answer.header("Set-Cookie"))


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
def test_a_script_of_another_site_cannot_either(server: ServerProcess, origin: str) -> None:
    answer = call_json(
        server.port, "POST", "/login", {"username": "bob", "password": DEMO_PASSWORDS["bob"]}, [("Origin", origin)]
    )
    assert is_csrf_refusal(answer)
    assert answer.header("Set-Cookie") is None


def test_a_preflight_is_answered_without_permission(server: ServerProcess) -> None:
    """So a browser never sends what would need one: JSON, our header, DELETE."""
    for path in ("/orders", "/login", "/logout", "/me"):
        answer = call(
            server.port,
            "OPTIONS",
            path,
            [
                ("Origin", "http://evil.example"),
                ("Access-Control-Request-Method", "POST"),
                ("Access-Control-Request-Headers", "x-csrf-token"),
            ],
        )
        assert 405 == answer.status
        assert not [name for name, _ in answer.headers if name.lower().startswith("access-control-")]


def test_no_answer_opens_itself_to_other_origins(server: ServerProcess, victim: Cookie) -> None:
    for path in ("/me", "/orders", "/csrf", "/unguarded"):
        answer = call(server.port, "GET", path, [victim.header, ("Origin", "http://evil.example")])
        assert not [name for name, _ in answer.headers if name.lower().startswith("access-control-")]


def test_reading_changes_nothing(system: System, server: ServerProcess) -> None:
    """SES-14: every GET there is, with a session; the session and the list of sessions stay as they were."""
    cookie = system.log_in_by_cookie(server.name, "root")
    before = call(server.port, "GET", "/sessions", [cookie.header]).json()
    document = call(server.port, "GET", "/openapi.json").json()
    for template, operations in document["paths"].items():
        path = template.replace("{", "").replace("}", "")
        if "get" in operations:
            assert call(server.port, "GET", path, [cookie.header]).status in {200, 404}, path
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            if method.lower() not in operations:
                assert 405 == call(server.port, method, path, cookie.headers, b"").status, (method, path)
    after = call(server.port, "GET", "/sessions", [cookie.header]).json()
    assert [entry["handle"] for entry in before] == [entry["handle"] for entry in after]
