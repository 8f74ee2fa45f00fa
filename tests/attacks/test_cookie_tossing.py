"""A second session cookie, planted beside the victim's by another host, path, or dialect (SES-11, SES-12).

A subdomain can set a cookie for its parent; `$Version` switches some parsers to RFC 2109 and quoted values, the
cookie sandwich; a nameless cookie `=session=x` is written without its `=`; Unicode spaces are trimmed by some only.
"""

import pytest

from tests.attacks.system import SESSION_STRATEGIES, Cookie, System
from tests.attacks.wire import Answer, Wire

SECURE = {"SESSION_COOKIE_SECURE": "true"}


@pytest.fixture(scope="module")
def victims(system: System) -> list[tuple[int, Cookie, Cookie]]:
    """Return each server with a victim's session and an attacker's own."""
    found = []
    for strategy in SESSION_STRATEGIES:
        port = system.session(strategy).port
        found.append((port, system.log_in_by_cookie(strategy, "alice"), system.log_in_by_cookie(strategy, "bob")))
    return found


def ask(port: int, *cookie_headers: bytes) -> Answer:
    with Wire(port) as wire:
        return wire.exchange(b"\r\n".join((b"GET /me HTTP/1.1", b"Host: x", *cookie_headers)) + b"\r\n\r\n")


def test_one_cookie_is_the_session_it_names(victims: list[tuple[int, Cookie, Cookie]]) -> None:
    """Other cookies beside it do no harm: browsers send what they have."""
    for port, alice, _ in victims:
        pair = f"{alice.name}={alice.value}"
        for header in (
            pair,
            f"a=b; {pair}; c=d",
            f"a=b;{pair}",
            f"theme=dark; {pair}",
            f"{pair};",
            f"not-{pair}; {pair}",
        ):
            assert "alice" == ask(port, f"Cookie: {header}".encode()).json().get("sub"), header


@pytest.mark.parametrize("order", ["victim first", "attacker first", "the same twice"])
@pytest.mark.parametrize("headers", ["one header", "two headers"])
def test_two_cookies_are_no_session(victims: list[tuple[int, Cookie, Cookie]], order: str, headers: str) -> None:
    for port, alice, bob in victims:
        values = {
            "victim first": (alice.value, bob.value),
            "attacker first": (bob.value, alice.value),
            "the same twice": (alice.value, alice.value),
        }[order]
        pairs = [f"{alice.name}={value}".encode() for value in values]
        sent = [b"Cookie: " + b"; ".join(pairs)] if headers == "one header" else [b"Cookie: " + pair for pair in pairs]
        answer = ask(port, *sent)
        assert (401, "invalid_credential") == (answer.status, answer.json()["code"])


SANDWICHES = (
    "$Version=1; {name}={bob}",
    '$Version=1; {name}="{bob}"; $Path=/',
    '$Version=1; {name}="x; {name}={alice}; y"',
    "{name}={alice}; $Version=1",
    '{name}="{bob}"',
    '{name}="{bob}',
    '{name}={bob}"',
    "=%s{name}={bob}; {name}={alice}",
    "={name}={bob}; {name}={alice}",
    "{name}={alice}; ={name}={bob}",
    " {name} = {bob}",
    "{name} ={bob}",
    "{name}= {bob}",
    "{name}\t={bob}",
    "{name}={bob} ; a=b",
    '"{name}"={bob}',
    "{name}={alice}; {name}",
    "{name}={alice}; {name}=",
    "{name}={alice}, {name}={bob}",
    "{name}={alice},{name}={bob}",
    "{name}={alice}&{name}={bob}",
    "{name}={bob}%00",
    "{name}=%22{bob}%22",
    "{name}={bob}; Path=/; Domain=x, {name}={alice}",
)  # fmt: skip


@pytest.mark.parametrize("sandwich", SANDWICHES)
def test_another_dialect_never_brings_in_the_attackers_session(
    victims: list[tuple[int, Cookie, Cookie]], sandwich: str
) -> None:
    """Whatever other parsers would read: not the attacker's session, and no error of ours."""
    for port, alice, bob in victims:
        text = sandwich.replace("%s", "").format(name=alice.name, alice=alice.value, bob=bob.value)
        answer = ask(port, f"Cookie: {text}".encode())
        assert answer.status in {200, 401}, (text, answer)
        assert 401 == answer.status or "alice" == answer.json()["sub"], (text, answer)


@pytest.mark.parametrize("space", ["\u00a0", "\u2000", "\u2028", "\u3000", "\ufeff", "\u0085", "\x1c"])
@pytest.mark.parametrize("form", ["{space}{name}={bob}", "{name}{space}={bob}", "{name}={alice}; {space}{name}={bob}"])
def test_a_space_that_only_some_trim_does_not_either(
    victims: list[tuple[int, Cookie, Cookie]], space: str, form: str
) -> None:
    for port, alice, bob in victims:
        text = form.format(space=space, name=alice.name, alice=alice.value, bob=bob.value)
        answer = ask(port, b"Cookie: " + text.encode())
        assert answer.status in {200, 400, 401}, (text, answer)
        assert 200 != answer.status or "alice" == answer.json()["sub"], (text, answer)


@pytest.mark.parametrize(
    "value",
    [
        b"", b"x", b"A" * 42, b"A" * 44, b"A" * 42 + b"=", b"A" * 42 + b"+", b"A" * 42 + b".", b"A" * 42 + b"\xff",
        b"\xff" * 43, "é".encode() * 43, b"A" * 42 + b"%", b"%41" * 43, b'"' + b"A" * 43 + b'"', b"../" * 14 + b"x",
        b"A" * 8000 ],
)  # fmt: skip
def test_a_value_that_is_no_session_id_is_refused_before_it_is_hashed(
    victims: list[tuple[int, Cookie, Cookie]], value: bytes
) -> None:
    for port, alice, _ in victims:
        answer = ask(port, b"Cookie: " + alice.name.encode() + b"=" + value)
        assert answer.status in {400, 401}, answer


def test_a_cookie_of_another_case_or_name_is_not_looked_at(victims: list[tuple[int, Cookie, Cookie]]) -> None:
    """Names are compared exactly; browsers have sent `__HOST-` for `__Host-` (arxenix.dev/cookie-bugs)."""
    for port, alice, bob in victims:
        for name in (
            alice.name.upper(),
            alice.name.title(),
            f"{alice.name}x",
            f"x{alice.name}",
            f"__Host-{alice.name}",
        ):
            assert 401 == ask(port, f"Cookie: {name}={bob.value}".encode()).status
            both = f"Cookie: {alice.name}={alice.value}; {name}={bob.value}"
            assert "alice" == ask(port, both.encode()).json()["sub"]


def test_the_name_binds_the_cookie_to_this_host_where_it_is_secure(system: System) -> None:
    """With `__Host-` no subdomain and no plain-HTTP page can set it: nothing to toss (RFC 6265bis §4.1.3.2)."""
    settings = system.session_settings("redis-session") | SECURE
    process = system.start("secure-session", "session_server", settings)
    process.wait_ready(60)
    with Wire(process.port) as wire:
        body = b'{"username":"alice","password":"alice-demo-password"}'
        head = b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(
            body
        )
        answer = wire.exchange(head + body)
    name, *attributes = str(answer.header("Set-Cookie")).split("; ")
    assert name.startswith("__Host-session=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(attributes)
    assert not any(attribute.lower().startswith("domain") for attribute in attributes)
    assert len(str(answer.header("Set-Cookie"))) < 4096
    assert "max-age=31536000; includeSubDomains" == answer.header("Strict-Transport-Security")
