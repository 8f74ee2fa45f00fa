import json

import pytest

from lab.transcript import answer_text, request_text, shortened
from lab.wire import Exchange

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
SESSION_ID = "pJyAC3y9wLbq1v0mXr8cTqkzDh2sE5fGu7iNaB4oW6Y"


def sent(head: str, body: str = "") -> str:
    return request_text(Exchange("http://x", f"{head}\r\n\r\n{body}".encode(), b"HTTP/1.1 200 OK\r\n\r\n", 0.0))


def received(head: str, body: str = "") -> str:
    return answer_text(Exchange("http://x", b"GET / HTTP/1.1\r\n\r\n", f"{head}\r\n\r\n{body}".encode(), 0.0))


def test_a_shortened_credential_can_be_told_apart_and_not_be_used() -> None:
    short = shortened(TOKEN)
    assert short.startswith(TOKEN[:6])
    assert f"({len(TOKEN)} characters)" in short
    assert len(short) < 40
    assert shortened("short") == "…"


@pytest.mark.parametrize(
    "header",
    [
        f"Authorization: Bearer {TOKEN}",
        f"authorization:Bearer {TOKEN}",
        "Authorization: Basic ZGVtby1zZXJ2aWNlOmRlbW8tc2VydmljZS1zZWNyZXQ=",
        f"Cookie: session={SESSION_ID}; other={SESSION_ID}",
        f"X-CSRF-Token: {SESSION_ID}",
        f"Authlab-Secret: {SESSION_ID}",
    ],
)
def test_no_credential_is_shown_in_a_request_header(header: str) -> None:
    shown = sent(f"GET /me HTTP/1.1\r\nHost: x\r\n{header}")
    for secret in (TOKEN, SESSION_ID, "ZGVtby1zZXJ2aWNlOmRlbW8tc2VydmljZS1zZWNyZXQ"):
        assert secret not in shown
    assert "Host: x" in shown


def test_no_credential_is_shown_in_a_set_cookie_and_its_attributes_are() -> None:
    shown = received(f"HTTP/1.1 200 OK\r\nSet-Cookie: session={SESSION_ID}; Path=/; HttpOnly; SameSite=Lax")
    assert SESSION_ID not in shown
    assert "; Path=/; HttpOnly; SameSite=Lax" in shown


def test_no_credential_is_shown_in_a_body() -> None:
    answer = json.dumps({"access_token": TOKEN, "refresh_token": SESSION_ID, "csrf_token": SESSION_ID, "scope": "a b"})
    shown = received("HTTP/1.1 200 OK", answer)
    assert TOKEN not in shown
    assert SESSION_ID not in shown
    assert '"scope": "a b"' in shown
    form = sent("POST /oauth/token HTTP/1.1", f"grant_type=refresh_token&refresh_token={SESSION_ID}&client_id=web")
    assert SESSION_ID not in form
    assert "client_id=web" in form
    assert "my-password" not in sent("POST /login HTTP/1.1", '{"username": "alice", "password": "my-password"}')


def test_a_long_body_is_cut_and_its_length_told() -> None:
    assert "… (5000 bytes)" in received("HTTP/1.1 200 OK", "x" * 5000)
