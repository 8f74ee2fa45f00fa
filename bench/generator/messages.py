"""What the benchmark and a generator process say to each other: one JSON object a line."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from bench.histogram import Histogram


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Prepare(_Message):
    """Open (once) and warm up the connections of one arm; the next slice will use them."""

    do: Literal["prepare"] = "prepare"
    arm: str
    corpus: Path
    addresses: tuple[tuple[str, int], ...]
    connections: int
    seed: int
    warm_up_s: float = 0.1


class RunClosed(_Message):
    """Run a closed loop over the prepared connections."""

    do: Literal["closed"] = "closed"
    seed: int
    duration_s: float


class RunOpen(_Message):
    """Run an open loop over the prepared connections."""

    do: Literal["open"] = "open"
    seed: int
    duration_s: float
    rate: float
    timeout_s: float = 2.0
    start_ns: int | None = None
    """When to begin, on the clock of `perf_counter_ns`, so that several generators begin together."""


class Forget(_Message):
    """Close the connections of one arm."""

    do: Literal["forget"] = "forget"
    arm: str


Order = Annotated[Prepare | RunClosed | RunOpen | Forget, Field(discriminator="do")]
ORDER: TypeAdapter[Prepare | RunClosed | RunOpen | Forget] = TypeAdapter(Order)


class Done(_Message):
    """An order other than a run was carried out."""

    done: bool = True


class Outcome(_Message):
    """What became of the requests of one slice.

    Histograms are pairs of (µs, count), the timeline is (tenth of a second of the intended start, outcome, count).
    """

    asked: int
    sent: int
    answered: int
    ok: int
    outcomes: dict[str, int]
    bytes_up: int
    bytes_down: int
    sampled: int
    wrong_subjects: int
    reconnects: int
    elapsed_s: float
    generator_cpu_s: float
    latency_us: tuple[tuple[int, int], ...]
    service_us: tuple[tuple[int, int], ...]
    slip_us: tuple[tuple[int, int], ...]
    timeline: tuple[tuple[int, str, int], ...]

    @property
    def failed(self) -> int:
        """How many requests got no 200."""
        return sum(self.outcomes.values()) - self.ok

    @property
    def latency(self) -> Histogram:
        """Time from the intended start to the last byte of each 200."""
        return Histogram(dict(self.latency_us))

    @property
    def service(self) -> Histogram:
        """Time from the real start to the last byte of each 200."""
        return Histogram(dict(self.service_us))

    @property
    def slip(self) -> Histogram:
        """How late requests left through the generator's own fault."""
        return Histogram(dict(self.slip_us))
