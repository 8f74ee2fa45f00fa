"""What a result says: versioned, and complete enough to be doubted.

Times are in the unit that a field's name says; intervals are 95 % bootstrap confidence intervals of a median.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bench import intervals

SCHEMA = 1
Pairs = tuple[tuple[int, int], ...]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
EVENTS = ("logout", "logout-everywhere", "role-change")
UNTIL_EXPIRY = "until expiry"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Interval(_Part):
    """A median between the ends of its confidence interval."""

    median: Finite
    low: Finite
    high: Finite

    @classmethod
    def of(cls, computed: intervals.Interval) -> "Interval":
        """Take over what the statistics computed, rounded to what it can mean."""
        return cls(median=round(computed.median, 4), low=round(computed.low, 4), high=round(computed.high, 4))

    @model_validator(mode="after")
    def _in_order(self) -> "Interval":
        if not self.low <= self.high:
            raise ValueError("the interval ends before it begins")
        return self


class Latency(_Part):
    """Percentiles under an open loop, from the intended start; `saturated` rows have none that mean anything."""

    p50: NotNegative
    p90: NotNegative
    p99: NotNegative
    p999: NotNegative
    p99_interval: Interval | None = None
    rate_rps: NotNegative
    saturated: bool
    asked: int
    sent: int
    answered: int
    failed: int
    slip_p99_ms: NotNegative


class Lag(_Part):
    """From the answer to a change until the last 200, over servers and trials. Below the resolution it counts as 0."""

    p50: NotNegative
    p99: NotNegative
    max: NotNegative
    bound: str
    resolution_ms: NotNegative
    samples_ms: tuple[NotNegative, ...]


class Memory(_Part):
    """What one more logged-in caller occupies."""

    server_bytes_per_caller: Finite
    store_bytes_per_caller: Finite


class Samples(_Part):
    """One value for each round, in the order of rounds, so that anything can be computed again."""

    server_cpu_us: tuple[float, ...] = ()
    margin_cpu_us: tuple[float, ...] = ()
    store_cpu_us: tuple[float, ...] = ()
    answered_rps: tuple[float, ...] = ()
    server_cpu_us_at_rate: tuple[float, ...] = ()
    p50_ms: tuple[float, ...] = ()
    p99_ms: tuple[float, ...] = ()


class ArmResult(_Part):
    """Everything about one arm. CPU and margins: closed loop; latency: open loop."""

    strategy: str | None
    token_cache: bool | None
    requests: int
    errors: int
    server_cpu_us: Interval | None
    """None where the server is on another machine: its account cannot be read."""
    margin_cpu_us: Interval | None
    no_difference: bool
    """The margin is smaller than what the control differs by from itself."""
    server_cpu_us_at_rate: Interval | None
    answered_rps: Interval
    store_commands_per_request: NotNegative
    """With one request in flight; what the stores do anyway is taken off."""
    store_commands_under_load: NotNegative
    store_commands: dict[str, NotNegative]
    server_calls_per_request: NotNegative
    store_cpu_us: Interval
    store_bytes_in: NotNegative
    store_bytes_out: NotNegative
    store_connections: int
    bytes_up: NotNegative
    bytes_down: NotNegative
    latency_ms: Latency | None
    service_ms: Latency | None
    hit_ratio: Annotated[float, Field(ge=0, le=1)] | None
    memory: Memory | None = None
    revocation_lag_ms: Lag | None = None
    other_lags_ms: dict[str, Lag] = {}
    noisy: bool
    generator_share: NotNegative
    """Busiest share of a core that the generator used; near 1 it measured itself."""
    notes: tuple[str, ...] = ()
    latency_us_histogram: Pairs = ()
    service_us_histogram: Pairs = ()
    samples: Samples

    @property
    def knows_cpu(self) -> bool:
        """Whether the server's CPU time could be read."""
        return self.server_cpu_us is not None

    @property
    def cpu(self) -> Interval:
        """Server CPU per request; raise ValueError where it is not known."""
        if self.server_cpu_us is None:
            raise ValueError("the server's CPU time is not known")
        return self.server_cpu_us

    @property
    def margin(self) -> Interval:
        """What is above the control; raise ValueError where it is not known."""
        if self.margin_cpu_us is None:
            raise ValueError("the server's CPU time is not known")
        return self.margin_cpu_us


class Noise(_Part):
    """The control against itself: what no difference looks like on this machine.

    In CPU per request; in time per request at saturation where CPU is not known.
    """

    aa_ratio: NotNegative
    low: NotNegative
    high: NotNegative
    floor_cpu_us: NotNegative | None
    """Margins smaller than this are printed as no difference."""
    steal_share: NotNegative
    load_before: NotNegative
    load_after: NotNegative
    too_noisy: bool


class SweepPoint(_Part):
    """One arm at one value of what a sweep moves."""

    arm: str
    x: Finite
    server_cpu_us: Interval | None = None
    answered_rps: Interval | None = None
    store_cpu_us: NotNegative | None = None
    store_commands_per_request: NotNegative | None = None
    latency_ms: Latency | None = None
    hit_ratio: NotNegative | None = None
    bytes_up: NotNegative | None = None


class Sweep(_Part):
    """How the answer moves with one thing."""

    what: str
    unit: str
    points: tuple[SweepPoint, ...]


class Second(_Part):
    """What callers saw in one second: outcomes by status, or by what went wrong."""

    second: int
    outcomes: dict[str, int]


class Timeline(_Part):
    """One strategy under one fault."""

    arm: str
    seconds: tuple[Second, ...]
    recovery_s: NotNegative | None
    """From the end of the fault to the first second from which on all was well; None: not within the timeline."""


class Failure(_Part):
    """One fault, at a fixed arrival rate, between two moments in seconds."""

    fault: str
    from_s: NotNegative
    to_s: NotNegative
    rate_rps: NotNegative
    timelines: tuple[Timeline, ...]


class Bill(_Part):
    """What each side pays beside its requests, in CPU µs of the server (and commands of the store) each."""

    token_login_cpu_us: NotNegative
    session_login_cpu_us: NotNegative
    login_wall_ms: NotNegative
    hash_memory_kib: int
    refresh_cpu_us: NotNegative
    refresh_store_commands: NotNegative
    refresh_store_cpu_us: NotNegative


class CrossCheck(_Part):
    """The same server under `wrk`, and by how much its answers per second differ from ours."""

    wrk_rps: NotNegative
    ours_rps: NotNegative
    ratio: NotNegative


class Result(_Part):
    """One run of the benchmark."""

    schema_: Literal[1] = Field(default=1, alias="schema")
    command: str
    seed: int
    quick: bool
    partial: bool
    attached: bool = False
    started_at: str
    duration_s: NotNegative
    machine: dict[str, str]
    settings: dict[str, Finite]
    noise: Noise
    arms: dict[str, ArmResult]
    curves: Sweep | None = None
    sweeps: dict[str, Sweep] = {}
    failures: tuple[Failure, ...] = ()
    bill: Bill | None = None
    cross_check: CrossCheck | None = None
    doubts: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _has_its_floor(self) -> "Result":
        missing = {"control", "control-again"} - set(self.arms)
        if missing:
            raise ValueError(f"without {' and '.join(sorted(missing))} no margin means anything")
        return self
