import io
import json
import logging
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from core.logs import REDACTED, LineWriter, audit, configure_logs, redact
from core.strict_json import base64url_text
from tests.attacks.forge import signed

TOKEN = signed({"alg": "HS256", "typ": "at+jwt", "kid": "k"}, {"sub": "alice"}, b"key")
SESSION_ID = base64url_text(os.urandom(32))
PHC = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"
SECRETS = [TOKEN, TOKEN.split(".")[2], SESSION_ID, PHC, "alice-demo-password"]


@pytest.fixture
def sink() -> Iterator[io.StringIO]:
    sink = io.StringIO()
    yield sink
    logging.basicConfig(handlers=[], level=logging.WARNING, force=True)
    structlog.reset_defaults()


def lines(sink: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in sink.getvalue().splitlines()]


@pytest.mark.parametrize(
    "text",
    [
        f"the token {TOKEN} came",
        f"only its signature is left: {TOKEN.split('.')[1]}.{TOKEN.split('.')[2]}",
        f"Authorization: Bearer {TOKEN}",
        "Authorization: Basic ZGVtbzpkZW1v",
        f"GET /?access_token={TOKEN} HTTP/1.1",
        f"session={SESSION_ID}; Path=/",
        f"Cookie: other=1; session={SESSION_ID}",
        f"b'Cookie': b'session={SESSION_ID}'",
        f"stored {PHC}",
        f"({SESSION_ID})",
    ],
)
def test_what_looks_like_a_credential_is_redacted(text: str) -> None:
    clean = redact(text)
    assert REDACTED in clean
    assert [] == [secret for secret in (*SECRETS, "ZGVtbzpkZW1v") if secret in clean]


def test_names_of_secrets_hide_their_values_whatever_they_are() -> None:
    event = {
        "password": "alice-demo-password",
        "new_Password": 1,
        "client_secret": "s",
        "refresh_token": ["x"],
        "Set-Cookie": "a=b",
        "credential": {"x": 1},
        "csrf": "y",
        "master": b"z",
        "nested": {"private_key": "p", "sub": "alice"},
    }
    clean = redact(event)
    assert {REDACTED} == {value for name, value in clean.items() if name != "nested"}
    assert {"private_key": REDACTED, "sub": "alice"} == clean["nested"]


def test_what_is_no_secret_stays_readable() -> None:
    event = {"sub": "alice", "kid": "k-1", "status": 401, "reason": "mac", "route": "/me", "ok": True, "none": None}
    assert event == redact(event)


def test_objects_bytes_and_lists_are_searched_too() -> None:
    clean = redact({"error": ValueError(f"bad {TOKEN}"), "raw": f"x {SESSION_ID}".encode(), "many": (TOKEN, {PHC})})
    assert [] == [secret for secret in SECRETS if secret in json.dumps(clean)]


def test_each_event_is_one_line_of_json_with_time_level_and_server(sink: io.StringIO) -> None:
    writer = configure_logs(server="auth-1", level="info", log_format="json", sink=sink)
    audit.info("login.succeeded", sub="alice\nlogin.succeeded sub=root", token=TOKEN)
    audit.debug("not wanted")
    writer.close()
    (event,) = lines(sink)
    assert ("login.succeeded", "info", "auth-1", REDACTED) == (
        event["event"], event["level"], event["server"], event["token"]
    )  # fmt: skip
    assert event["timestamp"].endswith("Z")
    assert "alice\nlogin.succeeded sub=root" == event["sub"], "a line break of a client stays inside its JSON string"


def test_tracebacks_lose_their_secrets(sink: io.StringIO) -> None:
    writer = configure_logs(server="auth-1", level="info", log_format="json", sink=sink)
    try:
        raise ValueError(f"no good: {TOKEN} for Bearer {SESSION_ID}")
    except ValueError:
        audit.exception("request.crashed")
    writer.close()
    (event,) = lines(sink)
    assert "Traceback" in event["exception"]
    assert [] == [secret for secret in SECRETS if secret in sink.getvalue()]


@pytest.mark.parametrize("name", ["aiohttp.server", "aiohttp.access", "asyncio", "redis", "anything"])
def test_the_standard_librarys_loggers_are_redacted_too(sink: io.StringIO, name: str) -> None:
    """Aiohttp logs malformed headers as they came, credentials included."""
    writer = configure_logs(server="auth-1", level="info", log_format="json", sink=sink)
    logging.getLogger(name).error("Error handling request: Authorization: Bearer %s\x00", TOKEN)
    logging.getLogger(name).error("Cookie", exc_info=ValueError(f"session={SESSION_ID}"))
    writer.close()
    assert [name, name] == [event["logger"] for event in lines(sink)]
    assert [] == [secret for secret in SECRETS if secret in sink.getvalue()]


def test_the_console_format_is_redacted_as_well(sink: io.StringIO) -> None:
    writer = configure_logs(server="auth-1", level="info", log_format="console", sink=sink)
    audit.warning("something", detail=f"Bearer {TOKEN}")
    writer.close()
    assert "something" in sink.getvalue()
    assert TOKEN not in sink.getvalue()


class StuckSink(io.StringIO):
    """A full disk, a pipe that nobody reads."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()

    def write(self, text: str) -> int:
        self.released.wait(10)
        return super().write(text)


def test_a_stuck_sink_holds_nobody_up_and_what_is_dropped_is_counted() -> None:
    sink = StuckSink()
    writer = LineWriter(sink)
    for number in range(10_100):
        writer.write(f"line {number}")
    assert 50 <= writer.dropped <= 100
    sink.released.set()
    writer.close(timeout_s=5)
    assert sink.getvalue().startswith("line 0\nline 1\n")


def test_a_broken_sink_is_survived() -> None:
    sink = io.StringIO()
    writer = LineWriter(sink)
    sink.close()
    writer.write("lost")
    writer.close()
    assert 1 == writer.dropped
