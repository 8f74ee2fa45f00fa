"""The cookie is read from exactly one place or not at all, whatever else a header says (SES-03, SES-11, SES-12)."""

import asyncio
import re
from http.cookies import CookieError, SimpleCookie

import pytest
from aiohttp._cookie_helpers import parse_cookie_header
from hypothesis import given
from hypothesis import strategies as st

from core.errors import NoCredential, Rejected
from core.settings import load
from session_server.cookie import SessionCookie
from session_server.session import new_session_id
from session_server.settings import SessionSettings
from tests.session_server.visitor import log_in
from tests.support.environments import session_environment
from tests.support.servers import Servers
from tests.support.wire import request, spoken, status_of

GOOD = "A" * 42 + "s"
EVIL = "E" * 42 + "w"
COOKIE = SessionCookie(load(SessionSettings, session_environment("memory-session")))

names = st.sampled_from(
    ["session", " session", "\u00a0session", "\tsession", "session ", '"session"', "$Version", "x", ""]
)
values = st.sampled_from([GOOD, GOOD, EVIL, f'"{GOOD}"', '"', f"session={EVIL}", f"{GOOD}\udcff", "%00", "\x00", ""])
pairs = st.builds("{}={}".format, names, values) | st.sampled_from(["session", ";", '"', "\\"]) | st.text(max_size=5)
headers = st.lists(
    st.builds(
        lambda separator, sent: separator.join(sent), st.sampled_from(["; ", ";", ", "]), st.lists(pairs, max_size=4)
    ),
    max_size=2,
)


def _read_by_others(header: str) -> set[str]:
    """Return what the standard library and aiohttp read out of a header as the session."""
    simple = SimpleCookie()
    try:
        simple.load(header)
    except CookieError:
        simple.clear()
    found = {simple["session"].value} if "session" in simple else set()
    return found | {morsel.value for name, morsel in parse_cookie_header(header) if name == "session"}


@given(headers)
def test_whatever_arrives_there_is_one_good_id_or_a_refusal(sent: list[str]) -> None:
    """No other exception, and no id that does not stand there once, alone between its semicolons."""
    try:
        found = COOKIE.read(sent)
    except Rejected:
        return
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", found)
    pairs = [pair.lstrip(" ") for header in sent for pair in header.split(";")]
    assert [f"session={found}"] == [pair for pair in pairs if pair.strip().startswith("session")]


@given(headers)
def test_no_other_parser_reads_another_session_out_of_the_same_header(sent: list[str]) -> None:
    """Two readers that disagree are how one caller becomes another: a proxy that checks, a server that believes."""
    try:
        found = COOKIE.read(sent)
    except Rejected:
        return
    assert {found} >= {value for header in sent for value in _read_by_others(header)}


@pytest.mark.parametrize(
    "sent",
    [
        [f"session={GOOD}; session={EVIL}"],
        [f"session={GOOD}; session={GOOD}"],
        [f"session={GOOD}", f"session={EVIL}"],
        [f"$Version=1; session={GOOD}"],
        [f'$Version=1; x="; session={GOOD}"'],
        [f"session={GOOD}; \u00a0session={EVIL}"],
        [f"session={GOOD}; \u2000session={EVIL}"],
        [f"session={GOOD}; \tsession={EVIL}"],
        [f"session={GOOD}; session ={EVIL}"],
        [f'session={GOOD}; "session"={EVIL}'],
        [f"session={GOOD}; =session={EVIL}"],
        [f"session={GOOD}; session, session={EVIL}"],
        [f"session={GOOD}; x=1, session={EVIL}"],
        [f"session={GOOD}; session"],
        [f'session="{GOOD}"'],
        [f"session={GOOD} "],
        [f"session={GOOD[:-1]}"],
        [f"session={GOOD}A"],
        [f"session={GOOD[:-1]}\n"],
        [f"session={GOOD[:-1]}="],
        [f"session={GOOD[:-3]}%00"],
        [f"session={GOOD[:-1]}\udcff"],
        [f"session={GOOD[:-1]}\u0661"],
        ["session="],
        [f"session={'A' * 8192}"],
    ],
)
def test_tossed_sandwiched_and_malformed_cookies_are_refused(sent: list[str]) -> None:
    with pytest.raises(Rejected) as refusal:
        COOKIE.read(sent)
    assert not isinstance(refusal.value, NoCredential)


@pytest.mark.parametrize("sent", [[], [""], ["other=1"], [f"Session={GOOD}"], [f"xsession={GOOD}"], [f"other={GOOD}"]])
def test_other_cookies_are_no_credential(sent: list[str]) -> None:
    with pytest.raises(NoCredential):
        COOKIE.read(sent)


@pytest.mark.parametrize(
    "sent",
    [
        f"session={GOOD}",
        f"a=1; session={GOOD}; b=2",
        f" session={GOOD};",
        f";;session={GOOD}",
        f"session_id=1; session={GOOD}; xsession=2; session-3=3; theme=session",
    ],
)
def test_one_good_cookie_is_read_among_others(sent: str) -> None:
    assert GOOD == COOKIE.read([sent])


def test_ids_are_256_random_bits_and_never_the_same() -> None:
    ids = {new_session_id() for _ in range(100_000)}
    assert 100_000 == len(ids)
    assert all(COOKIE.read([f"session={one}"]) == one for one in list(ids)[:1000])
    for position in range(42):
        used = {one[position] for one in ids}
        assert 64 == len(used), f"character {position} is not random"


@pytest.mark.parametrize(
    ("secure", "expected"),
    [
        ("true", r"__Host-session=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=43200"),
        ("false", r"session=[\w-]{43}; Path=/; HttpOnly; SameSite=Lax; Max-Age=43200"),
    ],
)
async def test_the_cookie_is_set_the_one_safe_way(secure: str, expected: str, servers: Servers) -> None:
    """No Domain, so no other host of the site gets it; the prefix makes the browser see to that (RFC 6265bis)."""
    server = await servers.session("memory-session", SESSION_COOKIE_SECURE=secure)
    answer = await server.login()
    (value,) = answer.headers.getall("Set-Cookie")
    assert re.fullmatch(expected, value)
    assert "no-store" == answer.headers["Cache-Control"]
    assert (secure == "true") == ("Strict-Transport-Security" in answer.headers)


@pytest.mark.parametrize(
    "lines",
    [
        [b"Cookie: session=\xff\xfe"],
        [b"Cookie: session=" + b"A" * 7000],
        [b'Cookie: session="%s"' % GOOD.encode()],
        [b"Cookie: session=%s" % GOOD.encode(), b"Cookie: session=%s" % GOOD.encode()],
        [b"Cookie: session=%s%%00" % GOOD[:-3].encode()],
        [b"Cookie: $Version=1; session=%s" % GOOD.encode()],
        [b"Cookie: session=%s; \xc2\xa0session=%s" % (GOOD.encode(), EVIL.encode())],
    ],
)
async def test_on_the_wire_they_are_401_and_never_an_error_of_ours(lines: list[bytes], servers: Servers) -> None:
    server = await servers.session("memory-session")
    answer = await spoken(server.url, request("GET", "/me", *(line.decode("latin-1") for line in lines)))
    assert 401 == status_of(answer)
    assert b'"code":"invalid_credential"' in answer


async def test_two_cookies_are_refused_even_when_one_is_good(servers: Servers) -> None:
    server = await servers.session("memory-session")
    visitor, other = await asyncio.gather(log_in(server), log_in(server, "bob"))
    both = f"{visitor.cookie}; {other.cookie}"
    assert [200, 401] == [(await server.get("/me", cookie=cookie)).status for cookie in (visitor.cookie, both)]
