"""Time small steps in CPU time: many repetitions per sample, the samples of all steps interleaved."""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Literal

from bench.schedule import interleaved

Repeated = Callable[[int], Awaitable[None]]
"""Does something so many times. The loop around it costs about 0.03 µs a time, which is in every figure."""

Owner = Literal["ours", "theirs"]
Part = Literal["token", "session", "store", "answer"]
_FEWEST = 64  # also what the most requests in flight divide


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a request has done for it, by us or by somebody's library."""

    part: Part
    name: str
    repeated: Repeated
    owner: Owner = "ours"


@dataclass(frozen=True, slots=True)
class Effort:
    """How many samples are taken of each step, and how much CPU time each is worth."""

    samples: int
    sample_s: float


def calling(function: Callable[[], object]) -> Repeated:
    """Repeat a call."""

    async def repeated(times: int) -> None:
        for _ in repeat(None, times):
            function()

    return repeated


def awaiting(function: Callable[[], Awaitable[object]]) -> Repeated:
    """Repeat an awaited call, each after the last."""

    async def repeated(times: int) -> None:
        for _ in repeat(None, times):
            await function()

    return repeated


def in_flight(function: Callable[[], Awaitable[object]], how_many: int) -> Repeated:
    """Repeat an awaited call with so many under way all the time."""
    one_after_the_other = awaiting(function)

    async def repeated(times: int) -> None:
        await asyncio.gather(*(one_after_the_other(times // how_many) for _ in range(how_many)))

    return repeated


async def measure(
    steps: Sequence[Step], effort: Effort, seed: int, advance: Callable[[], None] = lambda: None
) -> dict[str, list[float]]:
    """Return the samples of every step, in µs of CPU time of this process per repetition."""
    times = {step.name: await _enough_times(step, effort.sample_s) for step in steps}
    samples: dict[str, list[float]] = {step.name: [] for step in steps}
    gc.collect()
    gc.freeze()
    try:
        for order in interleaved(steps, effort.samples, seed):
            for step in order:
                samples[step.name].append(await _cpu_s(step, times[step.name]) * 1e6 / times[step.name])
            advance()
    finally:
        gc.unfreeze()
    return samples


async def _enough_times(step: Step, sample_s: float) -> int:
    times = _FEWEST
    await step.repeated(times)  # what only the first call does is no part of it
    while await _cpu_s(step, times) < sample_s:
        times *= 2
    return times


async def _cpu_s(step: Step, times: int) -> float:
    before_ns = time.process_time_ns()
    await step.repeated(times)
    return (time.process_time_ns() - before_ns) / 1e9
