"""Lesson 7: revocation bought back, and what it is paid with."""

from functools import partial

from lab.clients import Credential, TokenLogin
from lab.places import Server
from lab.tour.guide import Guide
from lab.tour.lag import measure
from lab.tour.lesson import Lesson
from lab.tour.logging_out import end_and_watch, record
from lab.tour.promises import promise_of

_HOW = {
    "denylisted-jwt": "verify the token, then ask the store whether it was taken back",
    "pushed-jwt": "every revocation is sent to every server, which looks in its own memory",
    "introspected-token": "the token is opaque; the auth server is asked each time",
    "tracked-session": "Redis tells each server which sessions changed; the others it remembers",
}


def _run(guide: Guide) -> None:
    for strategy, how in _HOW.items():
        servers = guide.places.at(strategy)
        if not servers:
            guide.tell.skip(strategy, "its servers are not running (authlab up --all)")
            continue
        guide.tell.say(f"{strategy}: {how}.")
        if strategy == "tracked-session":
            _session(guide, servers)
        else:
            _token(guide, strategy, servers)
    guide.tell.point(
        "a lookup for each request, or news pushed to every server and a bound on how old news may be: "
        "whoever wants revocation pays with one of the two."
    )


def _token(guide: Guide, strategy: str, servers: list[Server]) -> None:
    token = guide.token(**({"token_format": "opaque"} if strategy == "introspected-token" else {}))
    _cost(guide, strategy, servers[0], token)
    _end_token(guide, strategy, servers, token)


def _end_token(guide: Guide, strategy: str, servers: list[Server], token: TokenLogin) -> None:
    names = ", ".join(server.name for server in servers)
    before = [guide.ask(server, token).status for server in servers]
    guide.tell.expect(f"{strategy} before the logout, at {names}", [200] * len(servers), before)
    out = guide.ask(guide.auth, token, "/logout", method="POST")
    bound = promise_of(strategy).revoked_within
    asks = [partial(lambda server: guide.ask(server, token).status, server) for server in servers]
    lag = measure(asks, bound_s=bound.total_seconds() if bound else 0.0)
    guide.tell.expect("logout at the auth server", 204, out.status)
    record(guide, strategy, lag, names)
    guide.tell.show(guide.ask(servers[0], token))


def _session(guide: Guide, servers: list[Server]) -> None:
    session = guide.session(servers[0])
    for server in servers:
        guide.ask(server, session)
    _cost(guide, "tracked-session", servers[0], session)
    bound = promise_of("tracked-session").revoked_within
    end_and_watch(guide, "tracked-session", servers, session, bound_s=bound.total_seconds() if bound else 0.0)


def _cost(guide: Guide, strategy: str, server: Server, credential: Credential) -> None:
    promised = promise_of(strategy).lookups_per_request
    if strategy == "introspected-token":
        guide.tell.detail("cost: one HTTP request to the auth server, and its own look into the store, per request")
        return
    counted = guide.store_commands(lambda: guide.ask(server, credential))
    name = f"{strategy}: store commands for one request"
    if counted is None:
        guide.tell.skip(name, "the stores' command counts are out of reach")
    else:
        guide.tell.expect(name, promised, sum(counted.values()))


LESSON = Lesson(
    7, "Buying revocation back", "Can servers that hold no sessions hear of a logout, and what does it cost?", _run
)
