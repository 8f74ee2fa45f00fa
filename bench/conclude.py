"""From what a run has seen to its result, doubts included."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bench.machine import commit_facts, load_facts, machine_facts
from bench.result import ArmResult, Noise, Result
from bench.run import Run
from bench.summing import GENERATOR_BOUND, TOO_NOISY, complete_rounds, judge_noise, sum_up

STEALS = 0.02


class NothingMeasured(Exception):
    """The run ended before every arm was measured once."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """The state of the machine when a run began."""

    command: str
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    clock_s: float = field(default_factory=time.monotonic)
    load: Mapping[str, float] = field(default_factory=load_facts)


def conclude(run: Run, beginning: Beginning, *, partial: bool) -> Result:
    """Compute the result of a run that ended, or was ended; raise NothingMeasured when there is nothing to compute."""
    observed = run.recorder.observed
    if not observed or not complete_rounds(observed):
        raise NothingMeasured("the run ended before every arm was measured once")
    noise = _noise(run, beginning)
    control = observed["control"]
    arms = {name: _completed(run, sum_up(one, control, noise, run.plan, run.seed)) for name, one in observed.items()}
    recorder = run.recorder
    return Result(
        command=beginning.command,
        seed=run.seed,
        quick=run.plan.quick,
        partial=partial,
        attached=run.attached,
        started_at=beginning.at.isoformat(timespec="seconds"),
        duration_s=round(time.monotonic() - beginning.clock_s, 1),
        machine={**machine_facts(), **recorder.facts, **commit_facts(), "pinned": str(run.placement.pinned).lower()},
        settings=_settings(run),
        noise=noise,
        arms=arms,
        curves=recorder.curves,
        sweeps=recorder.sweeps,
        failures=tuple(recorder.failures),
        bill=recorder.bill,
        cross_check=recorder.cross_check,
        doubts=tuple(_doubts(run, noise, arms, partial=partial)),
    )


def _noise(run: Run, beginning: Beginning) -> Noise:
    now = load_facts()
    busy_s = now["busy_s"] - beginning.load["busy_s"]
    steal = (now["steal_s"] - beginning.load["steal_s"]) / busy_s if busy_s > 0 else 0.0
    load = (beginning.load["load_1m"], now["load_1m"])
    return judge_noise(run.recorder.observed, run.seed, steal_share=max(0.0, steal), load=load)


def _completed(run: Run, summed: ArmResult) -> ArmResult:
    """Add what was measured once per strategy, because its variants share it: lags, and memory with a cache."""
    strategy = summed.strategy or ""
    lags = run.recorder.lags.get(strategy, {})
    others = {event: lag for event, lag in lags.items() if event != "logout"}
    memory = run.recorder.memory.get(strategy) if summed.token_cache is not False else None
    return summed.model_copy(
        update={"revocation_lag_ms": lags.get("logout"), "other_lags_ms": others, "memory": memory}
    )


def _settings(run: Run) -> dict[str, float]:
    plan = run.plan
    return {
        "callers": plan.callers,
        "batches": plan.batches,
        "rounds": plan.rounds,
        "slice_s": plan.slice_s,
        "connections": plan.connections,
        "rate_rps": plan.rate_rps,
        "generators": run.generator_processes,
    }


def _doubts(run: Run, noise: Noise, arms: Mapping[str, ArmResult], *, partial: bool) -> list[str]:
    doubts = []
    if partial:
        doubts.append("The run was not completed: parts are missing, or rest on fewer rounds than planned.")
    doubts += [f"This part failed: {failure}." for failure in run.recorder.failed]
    if run.plan.quick:
        doubts.append("A quick run: few short rounds. It shows the order of things, and its numbers are not published.")
    if noise.too_noisy:
        doubts.append(
            f"The control differs from itself by more than {TOO_NOISY:.0%} ({noise.aa_ratio:.3f}): "
            "the machine was too noisy for small differences."
        )
    if run.attached:
        doubts.append("The servers were there already: not started afresh, not pinned, perhaps with other callers.")
        if not run.recorder.facts:
            doubts.append("No store was named: store commands and store CPU are not known and read 0.")
    elif not run.placement.pinned:
        doubts.append("Server, generator and store shared their cores: this system does not let us keep them apart.")
    if noise.steal_share > STEALS:
        doubts.append(f"The host took {noise.steal_share:.1%} of the CPU time away from this machine.")
    doubts += _doubts_about_arms(arms)
    return doubts


def _doubts_about_arms(arms: Mapping[str, ArmResult]) -> list[str]:
    kinds = {
        "CPU per request varied by more than 5 % between slices": [n for n, arm in arms.items() if arm.noisy],
        "the rate was more than the server could answer, so percentiles mean nothing": [
            n for n, arm in arms.items() if arm.latency_ms and arm.latency_ms.saturated
        ],
        "the generator was busy to the limit, so answers per second are its own": [
            n for n, arm in arms.items() if arm.generator_share > GENERATOR_BOUND
        ],
        "some requests failed": [n for n, arm in arms.items() if arm.errors],
        "the margin is smaller than what the control differs by from itself": [
            n for n, arm in arms.items() if arm.no_difference
        ],
    }
    return [f"{what[0].upper()}{what[1:]}: {', '.join(names)}." for what, names in kinds.items() if names]
