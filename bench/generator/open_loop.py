"""Open loop: requests leave on a schedule, whatever the server does, as with callers who know nothing of each other.

Latency counts from the moment a request was meant to leave. When every connection is busy a request waits for one, and
that wait is part of its latency: leaving it out ("coordinated omission") is how a stall disappears from a report.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from random import Random
from time import perf_counter_ns

from bench.generator.corpus import PreparedRequest
from bench.generator.lane import Lane
from bench.generator.poller import Poller
from bench.generator.tally import Tally

_GRACE_NS = 1_000_000_000
_HEAD_START_NS = 2_000_000
_IDLE_WAIT_NS = 100_000_000


class OpenLoop:
    """One slice at a fixed mean rate with random gaps (a Poisson process), the same for the same seed."""

    def __init__(
        self, lanes: Sequence[Lane], poller: Poller, requests: Iterator[PreparedRequest], *, timeout_s: float = 2.0
    ) -> None:
        self._poller = poller
        self._requests = requests
        self._timeout_ns = int(timeout_s * 1e9)
        # The lane used last is used next: the server sees as few busy connections as the load needs.
        self._idle = [*lanes]
        self._busy: dict[int, Lane] = {}
        self._in_order: deque[tuple[int, Lane]] = deque()
        self._free_since = 0
        self._tally = Tally(0)

    def run(self, rate: float, duration_s: float, seed: int, start_ns: int | None = None) -> Tally:
        """Send at the rate for the duration; what has not left or not come back a while later never will."""
        start = start_ns or perf_counter_ns() + _HEAD_START_NS
        due = [start + offset for offset in poisson_ns(rate, duration_s, seed)]
        tally = self._tally = Tally(start, asked=len(due))
        give_up = start + int(duration_s * 1e9) + _GRACE_NS
        position = 0
        while (position < len(due) or self._busy) and (now := perf_counter_ns()) < give_up:
            self._expire(now)
            while position < len(due) and due[position] <= now and self._idle:
                self._send(due[position], now)
                position += 1
                now = perf_counter_ns()
            next_event = due[position] if position < len(due) and self._idle else now + _IDLE_WAIT_NS
            for fd in self._poller.wait(max(0, next_event - perf_counter_ns()) / 1e9):
                self._receive(fd)
        for fd in list(self._busy):
            self._drop(fd, "timeout")
        return tally

    def _send(self, intended: int, now: int) -> None:
        lane = self._idle.pop()
        lane.intended_ns = intended
        # Waiting for a lane is the server's slowness; only what comes on top of it is ours.
        self._tally.slip_ns.append(now - max(intended, self._free_since))
        request = next(self._requests)
        try:
            _send_anyhow(lane, request)
        except OSError:
            self._tally.note(lane, "refused")
            lane.close()
            self._idle.insert(0, lane)
            return
        self._tally.leave(lane, now)
        self._busy[lane.fd] = lane
        self._in_order.append((now, lane))

    def _receive(self, fd: int) -> None:
        lane = self._busy.get(fd)
        if lane is None:
            next(lane for lane in self._idle if lane.fd == fd).close()  # its other end closed it
            return
        try:
            answer = lane.receive()
        except OSError:
            self._drop(fd, "broken")
            return
        if answer is not None:
            now = perf_counter_ns()
            self._tally.arrive(lane, answer, now)
            del self._busy[fd]
            self._free(lane, now)

    def _expire(self, now: int) -> None:
        while self._in_order and self._in_order[0][0] + self._timeout_ns < now:
            sent, lane = self._in_order.popleft()
            if lane.sent_ns == sent and self._busy.get(lane.fd) is lane:
                self._drop(lane.fd, "timeout")

    def _drop(self, fd: int, outcome: str) -> None:
        lane = self._busy.pop(fd)
        self._tally.note(lane, outcome)
        lane.close()
        self._free(lane, perf_counter_ns())

    def _free(self, lane: Lane, now: int) -> None:
        if not self._idle:
            self._free_since = now
        self._idle.append(lane)


def _send_anyhow(lane: Lane, request: PreparedRequest) -> None:
    if lane.is_open:
        try:
            lane.send(request)
        except OSError:
            pass  # closed while it was idle: any client would connect again
        else:
            return
    lane.open()
    lane.send(request)


def poisson_ns(rate: float, duration_s: float, seed: int) -> list[int]:
    """Return the moments at which requests leave, in ns from the start."""
    source = Random(seed)
    moments, at = [], source.expovariate(rate)
    while at < duration_s:
        moments.append(int(at * 1e9))
        at += source.expovariate(rate)
    return moments
