"""One run: load, a fault from one moment to another, load again; then the verdict."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from lab.processes import ServerProcess
from tests.faults.driver import Load
from tests.faults.load.plan import Line, Record
from tests.faults.measured import Measured
from tests.faults.oracle import End, Watched, ends_by, judge
from tests.faults.resources import Held, held_by

_EARLY_S = 0.05
"""A request that left just before the fault may already meet it."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """A line of the load, and what is promised about it. `ends` says that each success on it ends a credential."""

    line: Line
    watched: Watched
    ends: bool = False


class Experiment:
    """Runs while its `running` block does; `fault` marks when something is broken. Afterwards `measured` tells all."""

    def __init__(
        self,
        name: str,
        lines: Sequence[Guarded],
        servers: Sequence[ServerProcess],
        *,
        recovers_within_s: float = 1.0,
    ) -> None:
        self._name = name
        self._lines = lines
        self._servers = servers
        self._grace_s = recovers_within_s
        self._fault = (0.0, 0.0)
        self.ends: dict[str, End] = {}
        """Credentials that the test itself ends."""
        self.records: list[Record] = []
        self._measured: Measured | None = None

    @property
    def measured(self) -> Measured:
        """The numbers of the run that is over."""
        assert self._measured is not None, "the experiment did not come to its end"
        return self._measured

    @contextmanager
    def running(self, *, warm_s: float = 1.5, after_s: float = 2.5) -> Iterator[None]:
        """Send the load: a while before the block, while it runs, and a while after it."""
        with Load([guarded.line for guarded in self._lines]) as load:
            time.sleep(warm_s)
            before = self._held()
            yield
            time.sleep(after_s)
            self.records = load.stop()
        self._judge((before, self._held()))

    @contextmanager
    def fault(self) -> Iterator[None]:
        """Mark the time in which something is broken."""
        began_s = time.monotonic()
        yield
        self._fault = (began_s, time.monotonic())

    def _held(self) -> Held:
        return held_by(server.pid for server in self._servers if server.running)

    def _judge(self, held: tuple[Held, Held]) -> None:
        ends = dict(self.ends)
        for guarded in self._lines:
            if guarded.ends:
                ends |= ends_by(self.records, guarded.line.name)
        watched: Mapping[str, Watched] = {guarded.line.name: guarded.watched for guarded in self._lines}
        began_s, healed_s = self._fault
        window = (began_s - _EARLY_S, healed_s + self._grace_s)
        self._measured = Measured.of(self._name, judge(self.records, watched, ends, window), self._fault, held)
