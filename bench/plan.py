"""How long a run looks, and at what: the numbers of a quick and of a full one."""

from dataclasses import dataclass

CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Plan:
    """The size of a run. A slice is one arm under load for a moment; a round is one slice of every arm."""

    quick: bool
    callers: int
    batches: int
    rounds_per_batch: int
    slice_s: float
    rate_rps: float
    connections: int = CONNECTIONS
    warm_up_s: float = 0.1

    @property
    def rounds(self) -> int:
        """How many rounds there are in all."""
        return self.batches * self.rounds_per_batch


QUICK = Plan(quick=True, callers=200, batches=1, rounds_per_batch=4, slice_s=0.4, rate_rps=1000)
FULL = Plan(quick=False, callers=1000, batches=3, rounds_per_batch=8, slice_s=1.0, rate_rps=1000)
