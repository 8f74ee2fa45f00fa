"""Two credentials in one request, or one in the wrong place: two readers would see two callers.

RS-01, RS-02, RS-03; RFC 6750 §2: the Authorization header alone, once.
"""

import pytest

from tests.attacks.insider import Insider
from tests.attacks.system import Resource, System
from tests.attacks.verdicts import INVALID_TOKEN, is_refusal
from tests.attacks.wire import Answer, Wire, call, request_bytes

BARE = 'Bearer realm="authlab"'
INVALID_REQUEST = 'Bearer realm="authlab", error="invalid_request"'


def answers(resources: list[Resource], *headers: bytes, path: str = "/me") -> list[tuple[str, Answer]]:
    request = b"\r\n".join((f"GET {path} HTTP/1.1".encode(), b"Host: x", *headers)) + b"\r\n\r\n"
    found = []
    for resource in resources:
        with Wire(resource.port) as wire:
            found.append((resource.name, wire.exchange(request)))
    return found


def test_two_authorization_headers_are_refused(resources: list[Resource], insider: Insider) -> None:
    good = b"Authorization: Bearer " + insider.sign().encode()
    for first, second in ((good, good), (good, b"Authorization: Bearer x"), (b"authorization: Basic eDp5", good)):
        for name, answer in answers(resources, first, second):
            assert (400, INVALID_REQUEST) == (answer.status, answer.header("WWW-Authenticate")), name
            assert "bad_request" == answer.json()["code"]


def test_two_tokens_in_one_header_are_refused(resources: list[Resource], insider: Insider) -> None:
    one, other = insider.sign().encode(), insider.sign().encode()
    for value in (
        b"Bearer " + one + b", Bearer " + other,
        b"Bearer " + one + b"," + other,
        b"Bearer " + one + b" " + other,
        b"Bearer " + one + b"; realm=x",
        b"Bearer  " + one,
        b"Bearer Bearer " + one,
        b"Bearer\xa0" + one,
        b'Bearer "' + one + b'"',
        b"Bearer token=" + one,
    ):
        for name, answer in answers(resources, b"Authorization: " + value):
            assert 401 == answer.status, (name, value)


@pytest.mark.parametrize(
    "value",
    [b"", b"Bearer", b"Basic YWxpY2U6YWxpY2U=", b"Token %b", b"JWT %b", b"%b", b"DPoP %b", b"Bearer\t%b", b"Bearer:%b"],
)
def test_another_scheme_is_no_credential(resources: list[Resource], insider: Insider, value: bytes) -> None:
    """RFC 6750 §3: without a credential the challenge names no error."""
    value = value.replace(b"%b", insider.sign().encode())
    for name, answer in answers(resources, b"Authorization: " + value):
        if value == b"Bearer":
            assert answer.status == 401, name
        else:
            assert (401, BARE) == (answer.status, answer.header("WWW-Authenticate")), (name, answer)
            assert "no_credential" == answer.json()["code"]


def test_without_a_header_there_is_no_credential(resources: list[Resource]) -> None:
    for name, answer in answers(resources):
        assert (401, BARE) == (answer.status, answer.header("WWW-Authenticate")), name


def test_a_token_anywhere_else_is_not_looked_at(resources: list[Resource], insider: Insider) -> None:
    """RFC 6750 §2.3 warns of tokens in addresses: they end up in logs, histories and Referer headers."""
    token = insider.sign()
    elsewhere: list[tuple[str, tuple[bytes, ...]]] = [
        (f"/me?access_token={token}", ()),
        (f"/me?token={token}&Authorization=Bearer%20{token}", ()),
        (f"/me;access_token={token}", ()),
        ("/me", (b"Cookie: access_token=" + token.encode(),)),
        ("/me", (b"Cookie: session=" + token.encode(), b"X-Authorization: Bearer " + token.encode())),
        ("/me", (b"Proxy-Authorization: Bearer " + token.encode(),)),
        ("/me", (b"X-Access-Token: " + token.encode(), b"X-Forwarded-Authorization: Bearer " + token.encode())),
        ("/me", (b"X-User: root", b"X-Forwarded-User: root", b"Remote-User: root")),
        ("/me", (b"Authorization_: Bearer " + token.encode(),)),
    ]
    for path, headers in elsewhere:
        for name, answer in answers(resources, *headers, path=path):
            assert answer.status in {401, 404}, (name, path)
            assert token not in answer.text


def test_a_token_in_a_body_is_not_looked_at(resources: list[Resource], insider: Insider) -> None:
    form = [("Content-Type", "application/x-www-form-urlencoded")]
    for resource in resources:
        answer = call(resource.port, "POST", "/orders", form, f"access_token={insider.sign()}".encode())
        assert (401, BARE) == (answer.status, answer.header("WWW-Authenticate")), resource.name


def test_a_token_in_an_address_is_not_logged(system: System, resources: list[Resource], insider: Insider) -> None:
    token = insider.sign()
    answers(resources, path=f"/me?access_token={token}")
    answers(resources, b"Referer: http://x/?access_token=" + token.encode())
    for name, log in system.logs().items():
        assert token not in log, name
        assert token.split(".")[2] not in log, name


def test_a_session_cookie_does_not_open_a_resource_server_nor_a_token_a_session(
    system: System, resources: list[Resource], insider: Insider
) -> None:
    cookie = system.log_in_by_cookie("redis-session")
    for name, answer in answers(resources, f"Cookie: {cookie.name}={cookie.value}".encode()):
        assert 401 == answer.status, name
    for strategy in ("memory-session", "redis-session", "tracked-session"):
        port = system.session(strategy).port
        assert 401 == call(port, "GET", "/me", [("Authorization", f"Bearer {insider.sign()}")]).status
        assert 401 == call(port, "GET", "/me", [("Authorization", f"Bearer {cookie.value}")]).status


def test_a_client_that_authenticates_in_two_ways_is_refused(system: System) -> None:
    """RFC 6749 §2.3: not more than one method in each request."""
    port = system.auth().port
    basic = ("Authorization", "Basic ZGVtby1yZXNvdXJjZTpkZW1vLXJlc291cmNlLXNlY3JldA==")
    form = ("Content-Type", "application/x-www-form-urlencoded")
    body = b"client_id=demo-resource&client_secret=demo-resource-secret&token=x"
    for headers, sent in (
        ([form, basic], body),
        ([form, basic, basic], b"token=x"),
        ([form, basic], b"client_id=x&token=x"),
    ):
        answer = call(port, "POST", "/oauth/introspect", headers, sent)
        assert (400, "invalid_request") == (answer.status, answer.json()["error"]), sent
    assert {"active": False} == call(port, "POST", "/oauth/introspect", [form, basic], b"token=x").json()


def test_a_form_field_that_comes_twice_is_refused(system: System) -> None:
    """RFC 6749 §3.2: parameters must not be included more than once."""
    form = ("Content-Type", "application/x-www-form-urlencoded")
    for body in (
        b"grant_type=refresh_token&grant_type=client_credentials",
        b"grant_type=refresh_token&refresh_token=a&refresh_token=b&client_id=authlab-web",
        b"grant_type=client_credentials&client_id=authlab-web&client_id=demo-service&client_secret=demo-service-secret",
    ):
        answer = call(system.auth().port, "POST", "/oauth/token", [form], body)
        assert (400, "invalid_request") == (answer.status, answer.json()["error"])


def test_the_good_token_alone_is_taken(resources: list[Resource], insider: Insider) -> None:
    for scheme in ("Bearer", "bearer", "BEARER"):
        for resource in resources:
            request = request_bytes("GET", "/me", [("Authorization", f"{scheme} {insider.sign()}")])
            with Wire(resource.port) as wire:
                answer = wire.exchange(request)
            assert 200 == answer.status
            assert not is_refusal(answer)
            assert answer.header("WWW-Authenticate") != INVALID_TOKEN
