"""Use a credential over and over at several servers while it is taken back, and note when it last worked."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter_ns

from bench.generator.corpus import PreparedRequest
from bench.generator.lane import Address, Lane
from bench.generator.poller import Poller, open_poller

_REFUSALS = 5
"""So many refusals in a row, over at least the settling time, and a server has understood."""
_SETTLE_NS = 150_000_000
_OK = b"200"


@dataclass(frozen=True, slots=True)
class Change:
    """Something that ends credentials, and when to do it, in seconds from the start."""

    at_s: float
    do: Callable[[], None]


@dataclass(slots=True)
class Watched:
    """One credential at one server, and which change should end it."""

    address: Address
    request: PreparedRequest
    change: int = 0
    lane: Lane | None = None
    due_ns: int = 0
    waiting: bool = False
    last_ok_ns: int = 0
    first_refusal_ns: int = 0
    refusals: int = 0

    def is_settled(self, changed_ns: int, now_ns: int) -> bool:
        """Tell whether the server has understood, for good."""
        since = max(changed_ns, self.first_refusal_ns)
        return bool(changed_ns) and self.refusals >= _REFUSALS and now_ns - since > _SETTLE_NS


class Replay:
    """Replay every watched credential on a schedule while the changes happen in a thread of their own."""

    def __init__(self, watched: Sequence[Watched], changes: Sequence[Change], *, interval_s: float) -> None:
        self._watched = watched
        self._changes = changes
        self._interval_ns = int(interval_s * 1e9)
        self._changed_ns = [0] * len(changes)
        self._failure: BaseException | None = None
        self._over = threading.Event()
        self._sent = 0
        self._elapsed_ns = 0

    @property
    def resolution_ms(self) -> float:
        """The mean time between two uses of one credential: no shorter lag can be told from none."""
        return self._elapsed_ns / 1e6 * len(self._watched) / max(1, self._sent)

    def lags_ms(self, give_up_s: float) -> list[float]:
        """Return, for each watched credential, how long after the answer to its change it last got a 200.

        Raises TimeoutError when one is still accepted at the end, and whatever a change raised.
        """
        poller = open_poller()
        lanes = {self._open(watched, poller): watched for watched in self._watched}
        changing = threading.Thread(target=self._make_changes, daemon=True)
        changing.start()
        try:
            self._go_round(lanes, poller, perf_counter_ns() + int(give_up_s * 1e9))
        finally:
            self._over.set()
            changing.join(timeout=10)
            for watched in self._watched:
                if watched.lane is not None:
                    watched.lane.close()
            poller.close()
        return [max(0, one.last_ok_ns - self._changed_ns[one.change]) / 1e6 for one in self._watched]

    @staticmethod
    def _open(watched: Watched, poller: Poller) -> int:
        lane = watched.lane = Lane(watched.address, poller)
        lane.open()
        return lane.fd

    def _make_changes(self) -> None:
        start = time.monotonic()
        order = sorted(range(len(self._changes)), key=lambda number: self._changes[number].at_s)
        for number in order:
            change = self._changes[number]
            if self._over.wait(max(0.0, start + change.at_s - time.monotonic())):
                return
            try:
                change.do()
            except Exception as error:  # noqa: BLE001 - handed to the thread that waits for it
                self._failure = error
                return
            self._changed_ns[number] = perf_counter_ns()

    def _go_round(self, lanes: dict[int, Watched], poller: Poller, give_up_ns: int) -> None:
        pending, start = {*lanes}, perf_counter_ns()
        while pending:
            now = perf_counter_ns()
            self._elapsed_ns = now - start
            if self._failure is not None:
                raise self._failure
            if now > give_up_ns:
                raise TimeoutError(f"{len(pending)} credentials are still accepted")
            soonest = now + self._interval_ns
            for fd in [*pending]:
                watched = lanes[fd]
                if not watched.waiting and watched.is_settled(self._changed_ns[watched.change], now):
                    pending.discard(fd)
                elif not watched.waiting and watched.due_ns <= now:
                    self._send(watched, now)
                elif not watched.waiting:
                    soonest = min(soonest, watched.due_ns)
            for fd in poller.wait(max(0, soonest - perf_counter_ns()) / 1e9):
                self._receive(lanes[fd])

    def _send(self, watched: Watched, now: int) -> None:
        if watched.lane is not None:
            watched.lane.send(watched.request)
        self._sent += 1
        watched.waiting = True
        watched.due_ns = now + self._interval_ns

    @staticmethod
    def _receive(watched: Watched) -> None:
        answer = watched.lane.receive() if watched.lane is not None else None
        if answer is None:
            return
        watched.waiting = False
        now = perf_counter_ns()
        if answer.data[9:12] == _OK:
            watched.last_ok_ns, watched.refusals = now, 0
            return
        if not watched.refusals:
            watched.first_refusal_ns = now
        watched.refusals += 1
