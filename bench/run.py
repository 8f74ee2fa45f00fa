"""What the parts of one run share: the plan, the arms, where things go, and what has been seen so far."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.arms import Arm
from bench.cores import Placement
from bench.generator.client import Generators
from bench.plan import Plan
from bench.progress import ProgressDisplay
from bench.proofs import NoAnswer, NotRight
from bench.result import Bill, CrossCheck, Failure, Lag, Memory, Sweep
from bench.slices import Slice
from bench.summing import Observed

_TOO_CHEAP_US = 1.0
"""No server answers a request for less CPU: it takes several system calls."""


@dataclass(slots=True)
class Recorder:
    """Everything seen so far, so that an interrupted run still has something to say."""

    observed: dict[str, Observed]
    facts: dict[str, str] = field(default_factory=dict)
    memory: dict[str, Memory] = field(default_factory=dict)
    lags: dict[str, dict[str, Lag]] = field(default_factory=dict)
    curves: Sweep | None = None
    sweeps: dict[str, Sweep] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    bill: Bill | None = None
    failed: list[str] = field(default_factory=list)
    """Parts of the run that could not be measured, and why."""
    cross_check: CrossCheck | None = None


@dataclass(slots=True)
class Run:
    """One run of the benchmark."""

    plan: Plan
    arms: Sequence[Arm]
    seed: int
    placement: Placement
    progress: ProgressDisplay
    recorder: Recorder
    generator_processes: int = 1
    attached: bool = False
    """Whether the servers belong to somebody else's deployment."""
    workplace: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="authlab-bench-")))
    _directories: int = 0

    def directory(self) -> Path:
        """Return a path where something can be set up; nothing is there yet."""
        self._directories += 1
        return self.workplace / str(self._directories)

    def generators(self) -> Generators:
        """Start the generator on its own cores."""
        return Generators(self.generator_processes, self.placement.others)

    def check(self, piece: Slice) -> None:
        """Fail the run when somebody was taken for somebody else, nobody was answered, or another server answered."""
        if piece.outcome.wrong_subjects:
            raise NotRight(f"{piece.arm}: {piece.outcome.wrong_subjects} answers named the wrong subject")
        if not piece.outcome.ok:
            raise NoAnswer(f"{piece.arm}: no request of a {piece.kind} loop got 200: {piece.outcome.outcomes}")
        cpu_us = piece.cpu_us_per_request
        if piece.kind == "closed" and cpu_us is not None and cpu_us < _TOO_CHEAP_US:
            raise NotRight(f"{piece.arm}: {cpu_us:.2f} µs of CPU for an answer: another server gave it")
