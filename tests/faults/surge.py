"""More requests than a core can answer, sent by the benchmark's generator: ours in Python would itself be the limit."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psutil

from bench.cores import choose_placement
from bench.generator.client import Generators
from bench.generator.corpus import Corpus, prepare_request
from bench.generator.messages import Outcome
from lab.processes import LOOPBACK, ServerProcess
from tests.faults.people import Credential

_SEED = 7
_WARM_UP_S = 0.3
_UNFINISHED = "timeout"
"""What a slice calls those that were still under way when it ended."""


@dataclass(frozen=True, slots=True)
class Goodput:
    """What a server answered with 200, in a second of ours and in a second of its own processor time."""

    each_s: float
    each_cpu_s: float
    outcome: Outcome

    @property
    def others(self) -> dict[str, int]:
        """Every other outcome of a request that was not still under way at the end."""
        return {name: count for name, count in self.outcome.outcomes.items() if name not in {"200", _UNFINISHED}}

    @property
    def unfinished(self) -> int:
        """How many requests were still under way at the end."""
        return self.outcome.outcomes.get(_UNFINISHED, 0)

    def share_of(self, peak: "Goodput") -> float:
        """Return what is left of the peak, by the clock or, where others took the processor, by what was had of it."""
        return max(self.each_s / peak.each_s, self.each_cpu_s / peak.each_cpu_s)


class Surge:
    """Sends reads of `/me` to one server. Use it as a context manager."""

    def __init__(self, server: ServerProcess, credentials: Sequence[Credential], directory: Path) -> None:
        self._server = server
        self._corpus = directory / "surge.json"
        authority = f"{LOOPBACK}:{server.port}"
        requests = (prepare_request(authority, "/me", dict([one.header_field]), one.subject) for one in credentials)
        Corpus(tuple(requests)).write(self._corpus)
        self._generators = Generators(cores=choose_placement().others)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._generators.stop()

    def peak(self, connections: int, for_s: float) -> Goodput:
        """Measure what the server can do: each client asks again when it has its answer."""
        self._connect(connections)
        return self._counted(lambda: self._generators.closed(seed=_SEED, duration_s=for_s))

    def at(self, rate: float, connections: int, for_s: float) -> Goodput:
        """Send at a rate, whatever is answered, over so many connections."""
        self._connect(connections)
        return self._counted(lambda: self._generators.open(seed=_SEED, duration_s=for_s, rate=rate))

    def _connect(self, connections: int) -> None:
        self._generators.prepare(
            f"surge:{connections}", self._corpus, [(LOOPBACK, self._server.port)],
            connections=connections, seed=_SEED, warm_up_s=_WARM_UP_S,
        )  # fmt: skip

    def _counted(self, run: Callable[[], Outcome]) -> Goodput:
        process = psutil.Process(self._server.pid)
        began_s, began_cpu_s = time.monotonic(), sum(process.cpu_times()[:2])
        outcome = run()
        took_s, took_cpu_s = time.monotonic() - began_s, sum(process.cpu_times()[:2]) - began_cpu_s
        return Goodput(outcome.ok / took_s, outcome.ok / took_cpu_s, outcome)
