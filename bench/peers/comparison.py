"""A peer's margin is what it costs above the same application without authentication, not above our control."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from bench import intervals
from bench.peers.catalog import BY_NAME, Peer
from bench.result import ArmResult, Interval, Result

CHAMPIONS = {"plain-jwt": "HS256", "redis-session": "session"}
"""Which of our arms stands against the best peer that knows callers in the same way."""


class Duel(NamedTuple):
    """Answers per second of one of our arms, as a multiple of those of the best peer of its kind."""

    ours: str
    best_peer: str
    ratio: Interval


def margins_over(result: Result, name: str, control: str) -> tuple[float, ...]:
    """Return the CPU µs per request that one arm took above another, round by round."""
    pairs = zip(result.arms[name].samples.server_cpu_us, result.arms[control].samples.server_cpu_us, strict=False)
    return tuple(round(mine - floor, 3) for mine, floor in pairs)


def margin_over(result: Result, name: str, control: str) -> Interval:
    """Return the median of those."""
    return Interval.of(intervals.interval(margins_over(result, name, control), result.seed))


def against_own_controls(result: Result) -> Result:
    """Return the result with the margins of peers taken over their own controls."""
    arms = {name: _against_own_control(name, arm, result) for name, arm in result.arms.items()}
    return result.model_copy(update={"arms": arms})


def _against_own_control(name: str, arm: ArmResult, result: Result) -> ArmResult:
    if name not in BY_NAME:
        return arm
    control = BY_NAME[name].control or name
    margin = margin_over(result, name, control)
    floor = result.noise.floor_cpu_us
    return arm.model_copy(
        update={
            "margin_cpu_us": margin,
            "no_difference": bool(floor and name != control and abs(margin.median) < floor),
            "samples": arm.samples.model_copy(update={"margin_cpu_us": margins_over(result, name, control)}),
            "notes": (*arm.notes, f"the margin is over {control}"),
        }
    )


def duels(result: Result) -> list[Duel]:
    """Compare what we serve with what the best peer serves, round by round: by a token, and by a session."""
    found = []
    for ours, credential in CHAMPIONS.items():
        rivals = [peer.name for peer in BY_NAME.values() if peer.credential == credential and peer.name in result.arms]
        if ours in result.arms and rivals:
            best = max(rivals, key=lambda name: result.arms[name].answered_rps.median)
            found.append(Duel(ours, best, _ratio(result, ours, best)))
    return found


def _ratio(result: Result, ours: str, theirs: str) -> Interval:
    first, second = (result.arms[name].samples.answered_rps for name in (ours, theirs))
    rounds = min(len(first), len(second))
    return Interval.of(intervals.paired_ratio(first[:rounds], second[:rounds], result.seed))


def not_measured(reasons: Mapping[str, Iterable[Peer]]) -> tuple[str, ...]:
    """Say which peers are missing from a result, and why."""
    return tuple(f"Not measured: {', '.join(peer.name for peer in peers)} ({why})." for why, peers in reasons.items())
