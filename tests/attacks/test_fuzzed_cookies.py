"""Cookie headers at random: the session that was sent, or none; never another, never an error (SES-11, SES-12)."""

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.errors import NoCredential, Rejected
from core.settings import load
from session_server.cookie import SessionCookie
from session_server.settings import SessionSettings
from tests.attacks.system import System
from tests.attacks.wire import Wire

MUTATIONS = 100_000
SAMPLE = 1500
GOOD = "aB3_-xYz" * 5 + "QwE"
NAME = "session"
PIECES = (
    NAME, GOOD, "=", ";", "; ", ",", '"', "$Version=1", "$Path=/", " ", "\t", "\x0b", "\u00a0", "\u2003", "%3D",
    "\\", "{", "\0", "\n", "é", "\ud800", "Session", "__Host-", "a=b", "", "x" * 43,
)  # fmt: skip
READER = SessionCookie(load(SessionSettings, {"SESSION_COOKIE_SECURE": "false", "SESSION_REDIS_URL": "redis://x"}))


def read(*headers: str) -> str | None:
    try:
        return READER.read(headers)
    except (Rejected, NoCredential):
        return None


def mutated(draw: random.Random) -> str:
    text = f"theme=dark; {NAME}={GOOD}; lang=de"
    for _ in range(draw.randint(1, 4)):
        place = draw.randrange(len(text) + 1)
        match draw.randrange(3):
            case 0:
                text = text[:place] + draw.choice(PIECES) + text[place:]
            case 1:
                text = text[:place] + text[place + draw.randint(1, 3) :]
            case _:
                text = text[:place] + draw.choice(PIECES) + text[place + 1 :]
    return text


def test_no_mutation_of_a_good_header_is_read_as_another_session() -> None:
    assert GOOD == read(f"theme=dark; {NAME}={GOOD}; lang=de")
    draw = random.Random(20261127)
    accepted = 0
    for _ in range(MUTATIONS):
        text = mutated(draw)
        value = read(text)
        if value is not None:
            accepted += 1
            assert f"{NAME}={value}" in text.replace("; ", ";").split(";") or value in text
            assert len(value) == 43
            assert [value] == [
                pair.lstrip(" ")[len(NAME) + 1 :] for pair in text.split(";") if pair.lstrip(" ").startswith(f"{NAME}=")
            ]
    assert 0 < accepted < MUTATIONS * 0.9


PIECED = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


@settings(max_examples=1000, deadline=None)
@given(st.lists(PIECED | st.text(max_size=60), max_size=3))
@example([f"{NAME}={GOOD}", f"{NAME}={GOOD}"])
@example([f'{NAME}="{GOOD}"'])
@example([f"={NAME}={GOOD}"])
@example([""])
def test_no_header_at_all_breaks_the_reader(headers: list[str]) -> None:
    value = read(*headers)
    assert value is None or len(value) == 43


def test_two_headers_are_never_two_chances() -> None:
    draw = random.Random(20261128)
    for _ in range(5000):
        first, second = mutated(draw), mutated(draw)
        if read(first) is not None and read(second) is not None:
            assert read(first, second) is None


@pytest.mark.parametrize("strategy", ["memory-session", "redis-session", "tracked-session"])
def test_the_servers_answer_mutations_as_well(system: System, strategy: str) -> None:
    cookie = system.log_in_by_cookie(strategy)
    draw = random.Random(len(strategy))
    server = system.session(strategy)
    with Wire(server.port) as wire:
        for _ in range(SAMPLE // 3):
            text = mutated(draw).replace(GOOD, cookie.value).replace(NAME, cookie.name)
            raw = text.encode("utf-8", "surrogatepass")
            answer = wire.exchange(b"GET /me HTTP/1.1\r\nHost: x\r\nCookie: " + raw + b"\r\n\r\n")
            assert answer.status in {200, 400, 401}, (raw, answer)
            if answer.status == 200:
                assert cookie.value in text
            if answer.header("Connection") == "close":
                wire.reconnect()
