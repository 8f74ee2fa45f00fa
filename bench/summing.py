"""From slices to what a result file says about an arm."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from bench import intervals
from bench.arms import CONTROL, CONTROL_AGAIN, Arm
from bench.histogram import Histogram
from bench.plan import Plan
from bench.result import ArmResult, Interval, Latency, Noise, Samples
from bench.slices import Slice

NOISY_CV = 0.05
SATURATED_BELOW = 0.99
TOO_NOISY = 0.03
GENERATOR_BOUND = 0.9


@dataclass(slots=True)
class Lookups:
    """What one request asks of others, measured with one in flight."""

    commands: Mapping[str, float]
    server_calls: float


@dataclass(slots=True)
class Observed:
    """Everything that was seen of one arm."""

    arm: Arm
    closed: list[Slice] = field(default_factory=list)
    open: list[Slice] = field(default_factory=list)
    lookups: Lookups | None = None
    hit_ratio: float | None = None


def judge_noise(observed: Mapping[str, Observed], seed: int, *, steal_share: float, load: tuple[float, float]) -> Noise:
    """Compare the control with itself."""
    rounds = complete_rounds(observed)
    first, again = (observed[arm.name].closed[:rounds] for arm in (CONTROL, CONTROL_AGAIN))
    ratio = intervals.paired_ratio(_cost(again), _cost(first), seed)
    difference = intervals.paired_difference(_cpu(again), _cpu(first), seed) if _cpu(first) else None
    return Noise(
        aa_ratio=round(ratio.median, 4),
        low=round(ratio.low, 4),
        high=round(ratio.high, 4),
        floor_cpu_us=round(max(abs(difference.low), abs(difference.high)), 3) if difference else None,
        steal_share=round(steal_share, 4),
        load_before=round(load[0], 2),
        load_after=round(load[1], 2),
        too_noisy=abs(ratio.median - 1) > TOO_NOISY,
    )


def complete_rounds(observed: Mapping[str, Observed]) -> int:
    """Return how many rounds every arm has; an interrupted run may hold one more slice of some."""
    return min(len(one.closed) for one in observed.values())


def sum_up(observed: Observed, control: Observed, noise: Noise, plan: Plan, seed: int) -> ArmResult:
    """Write one arm's part of a result."""
    rounds = min(len(observed.closed), len(control.closed))
    closed, opened = observed.closed[:rounds], observed.open
    cpu = _cpu(closed)
    margins = [mine - floor for mine, floor in zip(cpu, _cpu(control.closed[:rounds]), strict=True)]
    margin = intervals.interval(margins, seed) if margins else None
    floor = noise.floor_cpu_us
    commands = observed.lookups.commands if observed.lookups else {}
    samples = Samples(
        server_cpu_us=_rounded(cpu),
        margin_cpu_us=_rounded(margins),
        store_cpu_us=_rounded(_store_cpu(closed, control.closed)),
        answered_rps=_rounded([one.answered_rps for one in closed]),
        server_cpu_us_at_rate=_rounded(_cpu(opened)),
        p50_ms=_rounded([one.outcome.latency.percentile_us(50) / 1000 for one in opened]),
        p99_ms=_rounded([one.outcome.latency.percentile_us(99) / 1000 for one in opened]),
    )
    total = _totals(closed)
    return ArmResult(
        strategy=observed.arm.strategy,
        token_cache=observed.arm.token_cache,
        requests=total["answered"],
        errors=total["failed"] + sum(one.outcome.failed for one in opened),
        server_cpu_us=_interval(cpu, seed),
        margin_cpu_us=Interval.of(margin) if margin else None,
        no_difference=bool(margin and floor and observed.arm.name != CONTROL.name and abs(margin.median) < floor),
        server_cpu_us_at_rate=_interval(_cpu(opened), seed),
        answered_rps=Interval.of(intervals.interval(samples.answered_rps, seed)),
        store_commands_per_request=round(sum(commands.values()), 3),
        store_commands_under_load=round(median(one.store.commands.total() / one.outcome.answered for one in closed), 4),
        store_commands={name: round(count, 3) for name, count in commands.items()},
        server_calls_per_request=round(observed.lookups.server_calls, 3) if observed.lookups else 0.0,
        store_cpu_us=Interval.of(intervals.interval(samples.store_cpu_us, seed)),
        store_bytes_in=round(total["store_in"] / max(1, total["answered"]), 1),
        store_bytes_out=round(total["store_out"] / max(1, total["answered"]), 1),
        store_connections=closed[-1].store.connections,
        bytes_up=round(total["up"] / max(1, total["sent"]), 1),
        bytes_down=round(total["down"] / max(1, total["answered"]), 1),
        latency_ms=sum_up_latency(opened, plan.rate_rps, seed),
        service_ms=sum_up_latency(opened, plan.rate_rps, seed, service=True),
        hit_ratio=observed.hit_ratio,
        noisy=len(cpu) > 1 and intervals.coefficient_of_variation(cpu) > NOISY_CV,
        generator_share=round(max(one.outcome.generator_cpu_s / one.outcome.elapsed_s for one in closed), 3),
        latency_us_histogram=_histogram(opened, service=False).to_pairs(),
        service_us_histogram=_histogram(opened, service=True).to_pairs(),
        samples=samples,
    )


def sum_up_latency(slices: Sequence[Slice], rate_rps: float, seed: int, *, service: bool = False) -> Latency | None:
    """Merge the open-loop slices of one arm at one rate; None when there are none."""
    if not slices:
        return None
    histogram = _histogram(slices, service=service)
    outcomes = [one.outcome for one in slices]
    slip = Histogram()
    for outcome in outcomes:
        slip.add(outcome.slip)
    asked, answered = sum(outcome.asked for outcome in outcomes), sum(outcome.answered for outcome in outcomes)
    per_slice = [
        (outcome.service if service else outcome.latency).percentile_us(99) / 1000 for outcome in outcomes if outcome.ok
    ]
    return Latency(
        p50=histogram.percentile_us(50) / 1000,
        p90=histogram.percentile_us(90) / 1000,
        p99=histogram.percentile_us(99) / 1000,
        p999=histogram.percentile_us(99.9) / 1000,
        p99_interval=Interval.of(intervals.interval(per_slice, seed)) if per_slice else None,
        rate_rps=rate_rps,
        saturated=answered < SATURATED_BELOW * asked,
        asked=asked,
        sent=sum(outcome.sent for outcome in outcomes),
        answered=answered,
        failed=sum(outcome.failed for outcome in outcomes),
        slip_p99_ms=slip.percentile_us(99) / 1000,
    )


def _histogram(slices: Sequence[Slice], *, service: bool) -> Histogram:
    whole = Histogram()
    for one in slices:
        whole.add(one.outcome.service if service else one.outcome.latency)
    return whole


def _interval(samples: Sequence[float], seed: int) -> Interval | None:
    return Interval.of(intervals.interval(samples, seed)) if samples else None


def _cpu(slices: Sequence[Slice]) -> list[float]:
    """Return CPU times per request; none where they are not known."""
    return [cost for one in slices if (cost := one.cpu_us_per_request) is not None]


def _cost(slices: Sequence[Slice]) -> list[float]:
    """Return what can be compared between slices: CPU per request, or else time per request."""
    return _cpu(slices) or [1 / one.answered_rps for one in slices]


def _store_cpu(slices: Sequence[Slice], control: Sequence[Slice]) -> list[float]:
    """Return the stores' CPU time per request above what they use in a slice that asks them nothing."""
    idle_us = median(one.store.cpu_us for one in control)
    return [max(0.0, one.store.cpu_us - idle_us) / one.outcome.answered for one in slices]


def _totals(slices: Sequence[Slice]) -> Counter[str]:
    total: Counter[str] = Counter()
    for one in slices:
        total["answered"] += one.outcome.answered
        total["sent"] += one.outcome.sent
        total["failed"] += one.outcome.failed
        total["up"] += one.outcome.bytes_up
        total["down"] += one.outcome.bytes_down
        total["store_in"] += one.store.bytes_in
        total["store_out"] += one.store.bytes_out
    return total


def _rounded(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(value, 3) for value in values)
