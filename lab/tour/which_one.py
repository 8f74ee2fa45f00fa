"""Lesson 15: what each way costs beside how long it believes what is no longer true."""

from collections.abc import Iterable
from datetime import timedelta

from lab.gateway.results import youngest_result
from lab.places import SESSION_STRATEGIES, TOKEN_STRATEGIES
from lab.topology import RESULT_DIRECTORIES
from lab.tour.guide import Guide
from lab.tour.lesson import Lesson
from lab.tour.promises import promise_of

_STRATEGIES = (*TOKEN_STRATEGIES, *SESSION_STRATEGIES)
_AT_ONCE = timedelta(0)


def _run(guide: Guide) -> None:
    guide.tell.say("What each strategy promises; in this walk, what it was seen to do.")
    for strategy in _STRATEGIES:
        guide.tell.detail(_promised(guide, strategy))
    at_once = {name for name in _STRATEGIES if promise_of(name).revoked_within == _AT_ONCE}
    free = {name for name in _STRATEGIES if promise_of(name).lookups_per_request == 0}
    guide.tell.expect(
        "heard at the next request", "denylisted-jwt, introspected-token, memory-session, redis-session", _told(at_once)
    )
    guide.tell.expect(
        "without a lookup for each request", "memory-session, plain-jwt, pushed-jwt, tracked-session", _told(free)
    )
    guide.tell.say("Both at once has only who keeps everything in one process, which a second server does not know.")
    guide.tell.expect("both", "memory-session", _told(at_once & free))
    broken = [name for name, lag in guide.lags.items() if not (lag.kept or lag.still_accepted)]
    guide.tell.expect("promises broken in this walk", "none", ", ".join(broken) or "none")
    _measured(guide)
    guide.tell.point(
        "there is no best one. Sessions are simple and current, and cost a lookup; tokens are cheap and independent, "
        "and stale; push makes either cheap and nearly current, for a feed that must be kept alive."
    )


def _promised(guide: Guide, strategy: str) -> str:
    promise, lag = promise_of(strategy), guide.lags.get(strategy)
    bound = promise.revoked_within
    heard = "not before it expires" if bound is None else f"within {bound.total_seconds():g} s" if bound else "at once"
    seen = "" if lag is None or lag.lag_ms is None else f"; seen: the last 200 came {lag.lag_ms:g} ms after it"
    return f"{strategy:<18} {promise.lookups_per_request:g} lookups, a logout is heard {heard}{seen}"


def _told(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _measured(guide: Guide) -> None:
    """Print the figures of the last benchmark, if one was run here."""
    result = youngest_result(RESULT_DIRECTORIES)
    if result is None:
        guide.tell.detail("What each costs in CPU is measured by: make bench")
        return
    guide.tell.say(f"What each costs, from {result['file']}, a run of {result['started_at']}:")
    for strategy in _STRATEGIES:
        margin = result["arms"].get(strategy, {}).get("margin_cpu_us")
        if margin:
            guide.tell.detail(
                f"{strategy:<18} {margin['median']:.1f} µs of server CPU above the control for each request"
            )


LESSON = Lesson(
    15, "So which one?", "What does each way cost, and how long does it believe what is no longer true?", _run
)
