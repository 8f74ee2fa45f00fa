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
    lag_servers: int
    lag_trials: int
    """Trials of each event for each strategy that is told of it."""
    expiry_trials: int
    """Trials of each event for a strategy that only time tells."""
    lag_ttl_s: int
    """How long tokens live whose end is awaited."""
    faults: tuple[str, ...]
    fault_from_s: float
    fault_to_s: float
    fault_over_s: float
    fault_rate_rps: float
    curve_rates_rps: tuple[float, ...] = ()
    sweeps: tuple[str, ...] = ()
    memory_callers: int = 0
    bill_logins: int = 8
    cross_check: bool = False
    connections: int = CONNECTIONS
    warm_up_s: float = 0.1

    @property
    def rounds(self) -> int:
        """How many rounds there are in all."""
        return self.batches * self.rounds_per_batch


QUICK = Plan(
    quick=True,
    callers=200,
    batches=1,
    rounds_per_batch=4,
    slice_s=0.3,
    rate_rps=1000,
    lag_servers=2,
    lag_trials=2,
    expiry_trials=2,
    lag_ttl_s=5,
    faults=("redis killed",),
    fault_from_s=2,
    fault_to_s=5,
    fault_over_s=8,
    fault_rate_rps=40,
)
FULL = Plan(
    quick=False,
    callers=1000,
    batches=5,
    rounds_per_batch=4,
    slice_s=1.0,
    rate_rps=1000,
    lag_servers=3,
    lag_trials=20,
    expiry_trials=10,
    lag_ttl_s=300,
    faults=("redis killed", "redis paused", "redis slow", "auth server killed"),
    fault_from_s=5,
    fault_to_s=12,
    fault_over_s=20,
    fault_rate_rps=50,
    curve_rates_rps=(250, 1000, 2000, 4000, 8000, 16000),
    sweeps=("store-round-trip", "claims", "callers", "servers"),
    memory_callers=5000,
    cross_check=True,
)
