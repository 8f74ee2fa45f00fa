"""Lesson 8: the session store is switched off, hangs and forgets; who refuses, how, and how fast."""

from redis import Redis

from core.redis_keys import SESSION_PREFIX, hashed
from lab.clients import SessionLogin, TokenLogin
from lab.topology import REDIS_SESSIONS
from lab.tour.guide import Guide
from lab.tour.lesson import Lesson

_FAST_S = 1.0
_BACK_WITHIN_S = 10.0


def _run(guide: Guide) -> None:
    with guide.breaking(REDIS_SESSIONS) as (store,):
        token, session = guide.token(), guide.session(guide.sessions[0])
        _both(guide, "with the store", 200, session, token)
        guide.tell.say("The store is switched off, through a real proxy in front of it.")
        store.refuse()
        _both(guide, "without the store", 503, session, token)
        guide.tell.say("Worse than off: it takes connections and says nothing.")
        store.hang()
        _both(guide, "with a store that hangs", 503, session, token)
        store.heal()
        back = guide.eventually(lambda: guide.ask(guide.sessions[0], session).status, 200, within_s=_BACK_WITHIN_S)
        guide.tell.expect("once it is healed, with no new login", 200, back)
    if guide.places.redis_sessions is None:
        guide.tell.skip("a store that forgets", "redis-sessions is out of reach")
    else:
        _forgotten(guide, guide.places.redis_sessions, session, token)
    guide.tell.point(
        "a session is as available as its store: away means 503 for everybody, forgotten means 401. "
        "A plain JWT never asks, so it never notices."
    )


def _both(guide: Guide, when: str, expected: int, session: SessionLogin, token: TokenLogin) -> None:
    answer = guide.ask(guide.sessions[0], session)
    guide.tell.expect(f"{guide.sessions[0].name}, {when}", expected, answer.status)
    guide.tell.detail(f"it took {answer.seconds * 1000:.1f} ms")
    guide.tell.check(f"{guide.sessions[0].name} answered within {_FAST_S:g} s, {when}", holds=answer.seconds < _FAST_S)
    guide.tell.expect(f"{guide.resources[0].name}, {when}", 200, guide.ask(guide.resources[0], token).status)


def _forgotten(guide: Guide, store_url: str, session: SessionLogin, token: TokenLogin) -> None:
    guide.tell.say("And if the store forgets? Redis without a disk that restarts is like that; here it forgets alice.")
    with Redis.from_url(store_url, socket_timeout=5) as store:
        forgotten = store.delete(SESSION_PREFIX + hashed(session.cookie.partition("=")[2]))
    guide.tell.expect("sessions the store has forgotten", 1, forgotten)
    guide.tell.expect("a cookie that the store has forgotten", 401, guide.ask(guide.sessions[0], session).status)
    guide.tell.expect("the token does not notice", 200, guide.ask(guide.resources[0], token).status)


LESSON = Lesson(
    8,
    "Kill the store",
    "Redis goes away. Who still knows you, who refuses, and how fast?",
    _run,
    needs=("plain-jwt", "redis-session"),
    breaks=(REDIS_SESSIONS,),
)
