"""Text that would end a line of the log and begin another, or move a terminal's cursor (HTTP-06)."""

import json
import time
from urllib.parse import quote

import pytest

from lab.processes import ServerProcess
from tests.attacks.system import System
from tests.attacks.wire import Wire, bearer, call, call_json

FORGED = '{"event": "login.succeeded", "sub": "root", "level": "info", "forged": true}'
TRICKS = {
    "a new line": "x\n" + FORGED,
    "a carriage return": "x\r" + FORGED,
    "both": "x\r\n" + FORGED,
    "a Unicode line": "x\u2028" + FORGED,
    "a next line": "x\u0085" + FORGED,
    "a vertical tab": "x\x0b" + FORGED,
    "colours": "\x1b[2J\x1b[31mforged",
    "a title": "\x1b]0;forged\x07",
    "a backspace": "x\x08\x08forged",
    "a quote": 'x", "forged": true, "x": "',
    "a format": "%s%s%n{forged.__class__}%(forged)s",
    "a lookup": "${jndi:ldap://127.0.0.1/forged}",
    "right to left": "\u202eforged",
}


@pytest.fixture(scope="module")
def servers(system: System) -> list[ServerProcess]:
    """Start a server of each kind, and one whose log is for people."""
    console = system.start(
        "console-session", "session_server", system.session_settings("redis-session") | {"LOG_FORMAT": "console"}
    )
    console.wait_ready(60)
    return [system.auth(), system.resources()[0].process, system.session("redis-session"), console]


def send_everywhere(system: System, server: ServerProcess, trick: str) -> None:
    """Put the text wherever a client can put text."""
    port = server.port
    raw = trick.encode()
    for path in (f"/{quote(trick)}", f"/me?x={quote(trick)}", f"/sessions/{quote(trick, safe='')}"):
        call(port, "GET", path)
    credentials = {"username": trick[:64], "password": trick, "audience": trick, "token_format": trick}
    call_json(port, "POST", "/login", credentials)
    call_json(port, "POST", "/login", {"username": trick[:64], "password": trick})
    form = f"grant_type={quote(trick)}&client_id={quote(trick)}&client_secret={quote(trick)}&scope={quote(trick)}"
    call(port, "POST", "/oauth/token", [("Content-Type", "application/x-www-form-urlencoded")], form.encode())
    call(port, "POST", "/login", [("Content-Type", f"application/{quote(trick)}")], b"{}")
    for name in (
        "User-Agent",
        "Referer",
        "Origin",
        "Cookie",
        "X-Request-Id",
        "X-Forwarded-For",
        "Authorization",
        "Expect",
    ):
        with Wire(port) as wire:
            wire.exchange(b"GET /me HTTP/1.1\r\nHost: x\r\n" + name.encode() + b": " + raw + b"\r\n\r\n")
    user_agent = "".join(letter for letter in trick if letter.isprintable()).encode()
    cookie = system.log_in_by_cookie("redis-session", "root", [("User-Agent", user_agent)])
    call(port, "POST", f"/admin/accounts/{quote(trick, safe='')}/end-sessions", cookie.headers, b"")
    call(port, "DELETE", f"/sessions/{quote(trick, safe='')}", cookie.headers)
    call(port, "POST", f"/admin/keys/{quote(trick, safe='')}/retire", bearer(trick.encode()))


@pytest.mark.parametrize("name", TRICKS)
def test_one_event_is_one_line_and_nothing_is_made_up(system: System, servers: list[ServerProcess], name: str) -> None:
    before = {server.name: len(system.log(server.name)) for server in servers}
    for server in servers:
        send_everywhere(system, server, TRICKS[name])
    time.sleep(0.2)  # lines are written on a thread of their own
    for server in servers:
        written = system.log(server.name)[before[server.name] :]
        for line in written.split("\n"):
            assert all(character.isprintable() for character in line), (server.name, line)
            if line and server.name != "console-session":
                event = json.loads(line)
                assert "forged" not in event
                assert {"event", "timestamp", "level", "server"} <= event.keys()


def test_the_log_tells_of_logins_all_the_same(system: System, servers: list[ServerProcess]) -> None:
    system.log_in_by_cookie("redis-session", "bob")
    assert '"event": "login.succeeded"' in system.log_with(servers[2].name, "login.succeeded")
