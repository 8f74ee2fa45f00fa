"""What one fault did, in numbers, and how several runs of it are put together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults.load.plan import Record
from tests.faults.oracle import Verdict, error_window_s, recovery_s
from tests.faults.resources import Held

_SHOWN = 3


@dataclass(slots=True)
class Measured:
    """The numbers of one run."""

    name: str
    verdicts: Mapping[str, Verdict]
    began_s: float
    fault_s: float
    error_window_s: float
    recovery_s: float
    before: Held
    after: Held
    extra: dict[str, Any] = field(default_factory=dict)
    """Whatever else this fault is about."""

    @classmethod
    def of(
        cls, name: str, verdicts: Mapping[str, Verdict], fault: tuple[float, float], held: tuple[Held, Held]
    ) -> "Measured":
        """Sum the verdicts up; `fault` is its beginning and its healing."""
        return cls(
            name=name,
            verdicts=verdicts,
            began_s=fault[0],
            fault_s=fault[1] - fault[0],
            error_window_s=error_window_s(verdicts.values()),
            recovery_s=recovery_s(verdicts.values(), fault[1]),
            before=held[0],
            after=held[1],
        )

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return sum(verdict.requests for verdict in self.verdicts.values())

    @property
    def wrong_accepts(self) -> int:
        """How many answers accepted what had been ended, or were about somebody else."""
        return sum(len(verdict.wrong_accepts) for verdict in self.verdicts.values())

    @property
    def wrong_rejects(self) -> int:
        """How many answers refused a good credential as if it were none."""
        return sum(len(verdict.wrong_rejects) for verdict in self.verdicts.values())

    @property
    def worst_s(self) -> float:
        """The longest that any caller waited."""
        return max((verdict.worst_s for verdict in self.verdicts.values()), default=0.0)

    def hold(self) -> None:
        """Fail unless every promise was kept; say which answers broke it."""
        broken = {
            f"{name}: {what}": [_told(record, self.began_s) for record in records[:_SHOWN]]
            for name, verdict in self.verdicts.items()
            for what, records in (
                (f"{len(verdict.wrong_accepts)} wrong accepts", verdict.wrong_accepts),
                (f"{len(verdict.wrong_rejects)} wrong rejects", verdict.wrong_rejects),
                (f"{len(verdict.unexpected)} unexpected of {dict(verdict.outcomes)}", verdict.unexpected),
            )
            if records
        }
        told = f"error window {self.error_window_s:.2f} s, recovery {self.recovery_s:.2f} s"
        assert not broken, f"{self.name} ({told}): {broken}"

    def as_data(self) -> dict[str, Any]:
        """Return what is published about this run."""
        return {
            "run": self.name,
            "fault_s": round(self.fault_s, 2),
            **numbers([self]),
            "lines": {
                name: {
                    "requests": verdict.requests,
                    "outcomes": dict(sorted(verdict.outcomes.items())),
                    "worst_latency_ms": round(verdict.worst_s * 1000, 1),
                    "accepted_after_its_end_for_s": round(verdict.stalest_s, 3),
                }
                for name, verdict in self.verdicts.items()
            },
            **self.extra,
        }


def numbers(runs: Sequence[Measured]) -> dict[str, Any]:
    """Return the worst of several runs; descriptors and memory are those of the run in which they grew most."""
    most_descriptors = max(runs, key=lambda run: run.after.descriptors - run.before.descriptors)
    most_memory = max(runs, key=lambda run: run.after.memory_mib - run.before.memory_mib)
    return {
        "requests": sum(run.requests for run in runs),
        "error_window_s": round(max(run.error_window_s for run in runs), 2),
        "worst_latency_ms": round(max(run.worst_s for run in runs) * 1000, 1),
        "wrong_accepts": sum(run.wrong_accepts for run in runs),
        "wrong_rejects": sum(run.wrong_rejects for run in runs),
        "recovery_s": round(max(run.recovery_s for run in runs), 2),
        "descriptors_before": most_descriptors.before.descriptors,
        "descriptors_after": most_descriptors.after.descriptors,
        "memory_before_mib": most_memory.before.memory_mib,
        "memory_after_mib": most_memory.after.memory_mib,
    }


def _told(record: Record, began_s: float) -> str:
    """Tell of one answer, its times counted from the beginning of the fault."""
    return (
        f"{record.outcome} for {record.caller} from {record.asked_s - began_s:.2f} to {record.done_s - began_s:.2f} s"
    )
