"""Lesson 9: the only server that can make tokens is gone, and comes back to everybody at once."""

from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

from core.accounts import DEMO_PASSWORDS
from lab.clients import TokenLogin, refresh, tokens_of, try_login
from lab.topology import AUTH
from lab.tour.guide import Guide
from lab.tour.lesson import Lesson
from lab.wire import Exchange, NoAnswer

_CLIENTS = 8
_NOBODY = "no answer"


def _run(guide: Guide) -> None:
    with guide.breaking(AUTH) as (auth,):
        clients = [guide.token() for _ in range(_CLIENTS)]
        guide.tell.say(f"{_CLIENTS} clients are logged in. The auth server is switched off.")
        auth.refuse()
        for server in guide.resources:
            guide.tell.expect(f"{server.name}, without the auth server", 200, guide.ask(server, clients[0]).status)
        for server in guide.places.at("introspected-token"):
            answer = guide.ask(server, clients[0])
            guide.tell.expect(f"{server.name}, which asks the auth server each time", 503, answer.status)
        guide.tell.expect("a login", _NOBODY, _login(guide))
        guide.tell.expect("refreshes that were answered", 0, len(_refreshed(guide, clients)))
        guide.tell.say("It comes back, and everybody who waited comes at once.")
        auth.heal()
        answers = _refreshed(guide, clients)
        good = sum(one.status == HTTPStatus.OK for one in answers)
        guide.tell.expect(f"refreshes of {_CLIENTS} that succeeded", _CLIENTS, good)
        took_ms = sorted(one.seconds * 1000 for one in answers)
        if took_ms:
            guide.tell.detail(f"the first was answered after {took_ms[0]:.0f} ms, the last after {took_ms[-1]:.0f} ms")
            fresh = tokens_of(answers[0])
            guide.tell.expect("one of the new tokens", 200, guide.ask(guide.resources[0], fresh).status)
    guide.tell.point(
        "tokens make the auth server absent from every request, and present again at every expiry. "
        "How long it may be away is the lifetime of an access token."
    )


def _login(guide: Guide) -> int | str:
    try:
        return try_login(guide.auth.url, "alice", DEMO_PASSWORDS["alice"]).status
    except NoAnswer:
        return _NOBODY


def _refreshed(guide: Guide, clients: list[TokenLogin]) -> list[Exchange]:
    """Refresh for all clients at the same moment; return the answers that came."""
    with ThreadPoolExecutor(len(clients)) as pool:
        answers = pool.map(lambda client: _refresh(guide, client), clients)
    return [answer for answer in answers if answer is not None]


def _refresh(guide: Guide, client: TokenLogin) -> Exchange | None:
    try:
        return refresh(guide.auth.url, client.refresh_token or "")
    except NoAnswer:
        return None


LESSON = Lesson(
    9,
    "Kill the auth server",
    "The only server that can make tokens is gone. What goes on, and what happens when it is back?",
    _run,
    needs=("plain-jwt",),
    breaks=(AUTH,),
)
