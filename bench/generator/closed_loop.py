"""Closed loop: every connection sends its next request when it has the answer to the last. It finds saturation.

It is no way to measure latency: a server that stalls also stops the requests that would have seen the stall.
"""

from collections.abc import Iterator, Sequence
from time import perf_counter_ns

from bench.generator.corpus import PreparedRequest
from bench.generator.lane import Lane
from bench.generator.poller import Poller
from bench.generator.tally import Tally

_TIMEOUT_S = 5.0


def run_closed_loop(
    lanes: Sequence[Lane], poller: Poller, requests: Iterator[PreparedRequest], duration_s: float
) -> Tally:
    """Keep every lane busy for the duration or until requests run out, then wait for what is still in flight."""
    start = perf_counter_ns()
    end = start + duration_s * 1e9
    tally = Tally(start)
    begun = []
    for lane, request in zip(lanes, requests, strict=False):
        _begin(lane, request, tally)
        begun.append(lane)
    by_fd = {lane.fd: lane for lane in begun if lane.is_open}
    while by_fd:
        ready = poller.wait(_TIMEOUT_S)
        if not ready:
            _give_up(by_fd, tally)
            break
        for fd in ready:
            lane = by_fd[fd]
            try:
                answer = lane.receive()
            except OSError:
                del by_fd[fd]
                tally.note(lane, "broken")
                lane.close()
                following = next(requests, None) if perf_counter_ns() < end else None
                if following is not None and _reopen(lane, tally):
                    _begin(lane, following, tally)
                    by_fd[lane.fd] = lane
                continue
            if answer is None:
                continue
            now = perf_counter_ns()
            tally.arrive(lane, answer, now)
            following = next(requests, None) if now < end else None
            if following is not None:
                _begin(lane, following, tally)
            else:
                del by_fd[fd]
    return tally


def _begin(lane: Lane, request: PreparedRequest, tally: Tally) -> None:
    now = perf_counter_ns()
    lane.intended_ns = now
    tally.asked += 1
    try:
        lane.send(request)
    except OSError:
        if not _reopen(lane, tally):
            return
        lane.send(request)
    tally.leave(lane, now)


def _reopen(lane: Lane, tally: Tally) -> bool:
    try:
        lane.open()
    except OSError:
        tally.note(lane, "refused")
        return False
    tally.reconnects += 1
    return True


def _give_up(by_fd: dict[int, Lane], tally: Tally) -> None:
    for lane in by_fd.values():
        tally.note(lane, "timeout")
        lane.close()
