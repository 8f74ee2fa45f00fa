"""Lesson 14: the stores move away; who asks, pays the distance, and a token pays it at its refresh."""

from collections.abc import Callable
from statistics import median

from lab.clients import refresh, tokens_of
from lab.fault_proxy_client import FaultControl
from lab.topology import REDIS_AUTH, REDIS_SESSIONS
from lab.tour.guide import Guide
from lab.tour.lesson import Lesson
from lab.wire import Exchange

_ROUND_TRIP_MS = 20.0
_REQUESTS = 31
_REFRESHES = 5


def _run(guide: Guide) -> None:
    with guide.breaking(REDIS_SESSIONS, REDIS_AUTH) as stores:
        near = _medians_ms(guide)
        guide.tell.detail(f"next door, half of {_REQUESTS} took less than: {_told(*near)}")
        guide.tell.say(f"Both stores move {_ROUND_TRIP_MS:g} ms away: a proxy holds back every byte.")
        _move_away(stores)
        far = _medians_ms(guide)
        guide.tell.detail(f"far away: {_told(*far)}")
        session_ms, token_ms = far[0] - near[0], far[1] - near[1]
        guide.tell.check("a session request became slower by a round trip", holds=session_ms > 0.9 * _ROUND_TRIP_MS)
        guide.tell.check("a token request did not", holds=token_ms < 0.5 * _ROUND_TRIP_MS)
        refresh_ms = _refresh_ms(guide)
    guide.tell.detail(f"a refresh, once in a token's life: {refresh_ms:.1f} ms")
    guide.tell.check("a refresh asks the far store more than once", holds=refresh_ms > 1.5 * _ROUND_TRIP_MS)
    if far[0] > far[1]:
        crossing = refresh_ms / (far[0] - far[1])
        guide.tell.detail(f"from {crossing:.1f} requests in one token's life on, the token is the shorter wait")
    guide.tell.point(
        "distance multiplies whatever is asked for each request. A session asks once each time, a token several "
        "times once in its life: a few requests in a token's life decide."
    )


def _medians_ms(guide: Guide) -> tuple[float, float]:
    token, session = guide.token(), guide.session(guide.sessions[0])
    return (
        _median_ms(lambda: guide.ask(guide.sessions[0], session), _REQUESTS),
        _median_ms(lambda: guide.ask(guide.resources[0], token), _REQUESTS),
    )


def _median_ms(ask: Callable[[], Exchange], count: int) -> float:
    return median(ask().seconds * 1000 for _ in range(count))


def _move_away(stores: tuple[FaultControl, ...]) -> None:
    for store in stores:
        store.delay(to_server_ms=_ROUND_TRIP_MS / 2, to_client_ms=_ROUND_TRIP_MS / 2)


def _refresh_ms(guide: Guide) -> float:
    token = guide.token().refresh_token or ""
    took_ms = []
    for _ in range(_REFRESHES):
        answer = refresh(guide.auth.url, token)
        token = tokens_of(answer).refresh_token or ""
        took_ms.append(answer.seconds * 1000)
    return median(took_ms)


def _told(session_ms: float, token_ms: float) -> str:
    return f"a session request {session_ms:.1f} ms, a token request {token_ms:.1f} ms"


LESSON = Lesson(
    14,
    "Distance",
    "Where do the curves cross when the store is far away?",
    _run,
    needs=("plain-jwt", "redis-session"),
    breaks=(REDIS_SESSIONS, REDIS_AUTH),
)
