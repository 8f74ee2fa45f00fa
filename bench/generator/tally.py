"""What became of the requests of one slice."""

import json
from array import array
from collections import Counter
from dataclasses import dataclass, field
from time import perf_counter_ns

from bench.generator.http import read_body
from bench.generator.lane import Answer, Lane
from bench.generator.messages import Outcome
from bench.histogram import Histogram

_SAMPLE_EVERY = 16
_NS = 1_000_000_000
_TENTH_NS = 100_000_000


@dataclass(slots=True)
class Tally:
    """Count outcomes, keep every latency, and look closely at a sample of bodies.

    `outcomes` counts by status, or by the name of what went wrong; `timeline` does so for each tenth of a second of the
    intended start.
    """

    start_ns: int
    asked: int = 0
    sent: int = 0
    answered: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    sampled: int = 0
    wrong_subjects: int = 0
    reconnects: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    timeline: Counter[tuple[int, str]] = field(default_factory=Counter)
    latency_ns: "array[int]" = field(default_factory=lambda: array("q"))
    service_ns: "array[int]" = field(default_factory=lambda: array("q"))
    slip_ns: "array[int]" = field(default_factory=lambda: array("q"))

    def leave(self, lane: Lane, now_ns: int) -> None:
        """Note that a request left."""
        self.sent += 1
        self.bytes_up += len(lane.request.raw) if lane.request else 0
        lane.sent_ns = now_ns

    def arrive(self, lane: Lane, answer: Answer, now_ns: int) -> None:
        """Note an answer, whatever it says; only a 200 counts towards latency."""
        data = answer.data
        status = data[9:12]
        self.answered += 1
        self.bytes_down += len(data)
        if status == b"200":
            self.latency_ns.append(now_ns - lane.intended_ns)
            self.service_ns.append(now_ns - lane.sent_ns)
            if not self.answered % _SAMPLE_EVERY:
                self._look_at_the_body(lane, answer)
        self.note(lane, status.decode("latin-1"))

    def note(self, lane: Lane, outcome: str) -> None:
        """Count an outcome under the tenth of a second in which its request was meant to leave."""
        self.outcomes[outcome] += 1
        self.timeline[(lane.intended_ns - self.start_ns) // _TENTH_NS, outcome] += 1

    def to_outcome(self, generator_cpu_s: float) -> Outcome:
        """Sum up the slice once it is over."""
        return Outcome(
            asked=self.asked,
            sent=self.sent,
            answered=self.answered,
            ok=self.outcomes["200"],
            outcomes=dict(self.outcomes),
            bytes_up=self.bytes_up,
            bytes_down=self.bytes_down,
            sampled=self.sampled,
            wrong_subjects=self.wrong_subjects,
            reconnects=self.reconnects,
            elapsed_s=(perf_counter_ns() - self.start_ns) / _NS,
            generator_cpu_s=generator_cpu_s,
            latency_us=tuple(Histogram.of_ns(self.latency_ns).to_pairs()),
            service_us=tuple(Histogram.of_ns(self.service_ns).to_pairs()),
            slip_us=tuple(Histogram.of_ns(self.slip_ns).to_pairs()),
            timeline=tuple((tenth, outcome, count) for (tenth, outcome), count in sorted(self.timeline.items())),
        )

    def _look_at_the_body(self, lane: Lane, answer: Answer) -> None:
        self.sampled += 1
        subject = json.loads(read_body(answer.data, answer.extent)).get("sub")
        if lane.request is None or lane.request.subject not in (None, subject):
            self.wrong_subjects += 1
