"""The benchmark's end of the generator: one or several processes that are ordered about as if they were one."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.cores import running_on
from bench.generator.messages import Forget, Outcome, Prepare, RunClosed, RunOpen

_STOP_WITHIN_S = 5.0


class GeneratorFailed(Exception):
    """A generator process ended; its own message is on standard error."""


class Generators:
    """Split each slice among the processes and put their outcomes together. Use it as a context manager."""

    def __init__(self, processes: int = 1, cores: Iterable[int] = ()) -> None:
        with running_on(cores):
            self._processes = [_spawn() for _ in range(processes)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the generators."""
        return tuple(process.pid for process in self._processes)

    def prepare(
        self,
        arm: str,
        corpus: Path,
        addresses: Sequence[tuple[str, int]],
        *,
        connections: int,
        seed: int,
        warm_up_s: float = 0.1,
    ) -> None:
        """Connect to an arm's servers and warm them up; the next slice goes there."""
        self._order(
            Prepare(
                arm=arm,
                corpus=corpus,
                addresses=tuple(addresses),
                connections=share,
                seed=seed + number,
                warm_up_s=warm_up_s,
            )
            for number, share in enumerate(_split(connections, len(self._processes)))
        )

    def forget(self, arm: str) -> None:
        """Close the connections to an arm, because its servers are about to go."""
        self._order(Forget(arm=arm) for _ in self._processes)

    def closed(self, *, seed: int, duration_s: float) -> Outcome:
        """Run a closed loop on the arm prepared last."""
        return self._outcome(
            RunClosed(seed=seed + number, duration_s=duration_s) for number, _ in enumerate(self._processes)
        )

    def open(
        self, *, seed: int, duration_s: float, rate: float, timeout_s: float = 2.0, start_ns: int | None = None
    ) -> Outcome:
        """Run an open loop at a total rate on the arm prepared last."""
        share = rate / len(self._processes)
        return self._outcome(
            RunOpen(seed=seed + number, duration_s=duration_s, rate=share, timeout_s=timeout_s, start_ns=start_ns)
            for number, _ in enumerate(self._processes)
        )

    def stop(self) -> None:
        """End every process."""
        for process in self._processes:
            if process.stdin is not None:
                process.stdin.close()
        for process in self._processes:
            try:
                process.wait(_STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()

    def _outcome(self, orders: Iterable[RunClosed | RunOpen]) -> Outcome:
        return merge_outcomes([Outcome.model_validate_json(line) for line in self._order(orders)])

    def _order(self, orders: Iterable[Prepare | RunClosed | RunOpen | Forget]) -> list[str]:
        for process, order in zip(self._processes, orders, strict=True):
            _write(process, order.model_dump_json())
        return [_read(process) for process in self._processes]


def merge_outcomes(outcomes: Sequence[Outcome]) -> Outcome:
    """Put the outcomes of processes that ran at the same time together."""

    def histogram(parts: Iterable[Iterable[tuple[int, int]]]) -> tuple[tuple[int, int], ...]:
        counts: Counter[int] = Counter()
        for part in parts:
            counts.update(dict(part))
        return tuple(sorted(counts.items()))

    statuses: Counter[str] = Counter()
    timeline: Counter[tuple[int, str]] = Counter()
    for outcome in outcomes:
        statuses.update(outcome.outcomes)
        timeline.update({(tenth, name): count for tenth, name, count in outcome.timeline})
    return Outcome(
        asked=sum(outcome.asked for outcome in outcomes),
        sent=sum(outcome.sent for outcome in outcomes),
        answered=sum(outcome.answered for outcome in outcomes),
        ok=sum(outcome.ok for outcome in outcomes),
        outcomes=dict(statuses),
        bytes_up=sum(outcome.bytes_up for outcome in outcomes),
        bytes_down=sum(outcome.bytes_down for outcome in outcomes),
        sampled=sum(outcome.sampled for outcome in outcomes),
        wrong_subjects=sum(outcome.wrong_subjects for outcome in outcomes),
        reconnects=sum(outcome.reconnects for outcome in outcomes),
        elapsed_s=max(outcome.elapsed_s for outcome in outcomes),
        generator_cpu_s=sum(outcome.generator_cpu_s for outcome in outcomes),
        latency_us=histogram(outcome.latency_us for outcome in outcomes),
        service_us=histogram(outcome.service_us for outcome in outcomes),
        slip_us=histogram(outcome.slip_us for outcome in outcomes),
        timeline=tuple((tenth, name, count) for (tenth, name), count in sorted(timeline.items())),
    )


def _split(total: int, parts: int) -> list[int]:
    return [total // parts + (number < total % parts) for number in range(parts)]


def _environment() -> Mapping[str, str]:
    root = str(Path(__file__).resolve().parents[2])
    return {**os.environ, "PYTHONPATH": root}


def _spawn() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bench.generator"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=_environment(),
        start_new_session=True,  # Ctrl-C is for the benchmark, which then ends its generators in order
    )


def _write(process: subprocess.Popen[str], line: str) -> None:
    if process.stdin is None or process.poll() is not None:
        raise GeneratorFailed(f"the generator ended with {process.returncode}")
    process.stdin.write(line + "\n")
    process.stdin.flush()


def _read(process: subprocess.Popen[str]) -> str:
    line = process.stdout.readline() if process.stdout is not None else ""
    if not line:
        raise GeneratorFailed(f"the generator ended with {process.wait()}")
    return line
