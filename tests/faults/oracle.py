"""What every answer had to be: safety (nothing that was ended is accepted, nobody gets another's data) and liveness.

The oracle judges afterwards, from the records of the load and from what is known of every credential. A request may be
decided at any moment between its leaving and its answer, so it is held only to what was true all that time.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from tests.faults.load.plan import Record

SUCCESSES = frozenset({"200", "201", "204"})
REFUSALS = frozenset({"503", "429"})
SILENCES = frozenset({"refused", "reset", "closed", "timeout"})


@dataclass(frozen=True, slots=True)
class End:
    """A credential was ended: asked for at one moment, acknowledged at another (`inf`: never)."""

    asked_s: float
    acknowledged_s: float = inf


@dataclass(frozen=True, slots=True)
class Watched:
    """What is promised about one line of the load.

    `stale_s`: for how long after an acknowledged end a success is still within the promise; None where nothing can be
    taken back. `may_fail`: what else may be answered while the fault lasts, and shortly after.
    """

    stale_s: float | None = 0.0
    may_fail: frozenset[str] = frozenset()
    refuses_with_400: bool = False
    """OAuth refuses a refresh token with 400 `invalid_grant` (RFC 6749 §5.2)."""


@dataclass(slots=True)
class Verdict:
    """How one line fared."""

    requests: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    wrong_accepts: list[Record] = field(default_factory=list)
    wrong_rejects: list[Record] = field(default_factory=list)
    failures: list[Record] = field(default_factory=list)
    """Neither served nor refused for good: told to come back, or not answered."""
    unexpected: list[Record] = field(default_factory=list)
    """Failures that nobody announced: of a kind, or at a time, that is not in the promise; and any 400 or 500."""
    worst_s: float = 0.0
    """The longest that any caller waited for an answer, or for the end of the connection."""
    stalest_s: float = 0.0
    """How long after an acknowledged end the last success for that credential was asked for."""


def judge(
    records: Iterable[Record],
    watched: Mapping[str, Watched],
    ends: Mapping[str, End],
    fault: tuple[float, float],
) -> dict[str, Verdict]:
    """Judge every record; `fault` is when failures may begin and until when they may go on."""
    verdicts = {name: Verdict() for name in watched}
    for record in records:
        _judge_one(verdicts[record.line], record, watched[record.line], ends.get(record.caller), fault)
    return verdicts


def _judge_one(verdict: Verdict, record: Record, watched: Watched, end: End | None, fault: tuple[float, float]) -> None:
    verdict.requests += 1
    verdict.outcomes[record.outcome] += 1
    verdict.worst_s = max(verdict.worst_s, record.done_s - record.asked_s)
    if record.outcome in SUCCESSES:
        stale_s = 0.0 if end is None or watched.stale_s is None else record.sent_s - end.acknowledged_s
        verdict.stalest_s = max(verdict.stalest_s, stale_s)
        if stale_s > (watched.stale_s or 0.0) or not record.right:
            verdict.wrong_accepts.append(record)
    elif record.outcome == "401" or (record.outcome == "400" and watched.refuses_with_400):
        if end is None or record.done_s < end.asked_s or record.sent_s == end.asked_s:
            verdict.wrong_rejects.append(record)
    elif record.outcome in REFUSALS | SILENCES:
        verdict.failures.append(record)
        timely = fault[0] <= record.done_s and record.asked_s <= fault[1]
        told_when = record.outcome not in REFUSALS or record.retry_after_s is not None
        if record.outcome not in watched.may_fail or not timely or not told_when:
            verdict.unexpected.append(record)
    else:
        verdict.unexpected.append(record)


def error_window_s(verdicts: Iterable[Verdict]) -> float:
    """Return the time from the first request that failed until the last one that failed was over."""
    failures = [record for verdict in verdicts for record in verdict.failures]
    if not failures:
        return 0.0
    return max(record.done_s for record in failures) - min(record.asked_s for record in failures)


def recovery_s(verdicts: Iterable[Verdict], healed_s: float) -> float:
    """Return how long after healing the last request left that still failed; 0 when every later one was served."""
    late = [record.asked_s - healed_s for verdict in verdicts for record in verdict.failures]
    return max([0.0, *late])


def ends_by(records: Sequence[Record], line: str) -> dict[str, End]:
    """Return what a logout line ended; a request without a success may or may not have ended its credential."""
    return {
        record.caller: End(record.sent_s, record.done_s if record.outcome in SUCCESSES else inf)
        for record in records
        if record.line == line
    }
