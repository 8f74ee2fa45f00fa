"""Lesson 6: who still believes the old credential after a logout, and for how long."""

import time
from functools import partial

from lab.clients import Credential, SessionLogin, refresh
from lab.explanation import explain
from lab.places import Server
from lab.signature_checks import NoKey
from lab.tour.guide import Guide
from lab.tour.lag import Lag, measure
from lab.tour.lesson import Lesson


def _run(guide: Guide) -> None:
    _sessions(guide)
    _tokens(guide)
    guide.tell.point(
        "a session is ended where it is kept. A plain JWT is kept nowhere but with its bearer: nobody can end it, "
        "so it must not live long."
    )


def _sessions(guide: Guide) -> None:
    for strategy, servers in (("redis-session", guide.sessions), ("memory-session", guide.memories[:1])):
        session = guide.session(servers[0])
        end_and_watch(guide, strategy, servers, session, bound_s=0.0)


def end_and_watch(guide: Guide, strategy: str, servers: list[Server], session: SessionLogin, *, bound_s: float) -> None:
    """Log out at the first server and watch all of them with the ended session."""
    names = ", ".join(server.name for server in servers)
    before = [guide.ask(server, session).status for server in servers]
    guide.tell.expect(f"{strategy} before the logout, at {names}", [200] * len(servers), before)
    out = guide.ask(servers[0], session, "/logout", method="POST")
    lag = measure([partial(_status, guide, server, session) for server in servers], bound_s=bound_s)
    guide.tell.show(out)
    guide.tell.expect(f"logout at {servers[0].name}", 204, out.status)
    record(guide, strategy, lag, names)


def record(guide: Guide, strategy: str, lag: Lag, names: str) -> None:
    """Record how long an ended credential was accepted, and whether the promise was kept."""
    guide.lags[strategy] = lag
    within = "with the next request" if not lag.bound_s else f"within {lag.bound_s:g} s"
    guide.tell.check(f"{strategy}: refused {within} at {names}", holds=lag.kept)
    if lag.lag_ms is not None:
        last = f"the last 200 came {lag.lag_ms:g} ms after it" if lag.lag_ms else "not one 200 after it"
        guide.tell.detail(f"measured from the answer to the logout: {last}")


def _status(guide: Guide, server: Server, credential: Credential) -> int:
    return guide.ask(server, credential).status


def _tokens(guide: Guide) -> None:
    guide.tell.say("Now the same on the token side, at servers that never ask anybody.")
    token = guide.token()
    out = guide.ask(guide.auth, token, "/logout", method="POST")
    ended_at = time.time()
    guide.tell.show(out)
    guide.tell.expect("logout at the auth server", 204, out.status)
    for server in guide.resources:
        guide.tell.expect(f"{server.name}, after the logout", 200, guide.ask(server, token).status)
    left_s = round(explain(token.access_token, NoKey()).claims["exp"] - ended_at, 1)
    guide.lags["plain-jwt"] = Lag(None, left_s, still_accepted=True)
    guide.tell.detail(f"still accepted, for another {left_s:g} s until it expires; that is not waited for here")
    answer = refresh(guide.auth.url, token.refresh_token or "")
    guide.tell.expect("but it cannot be renewed", "invalid_grant", answer.code)


LESSON = Lesson(
    6,
    "Logging out",
    "Who still believes the old credential, and for how long?",
    _run,
    needs=("plain-jwt", "redis-session", "memory-session"),
)
