"""Whether a server is taking requests: not while it drains, and no more than it can answer in time.

A server that takes on everything answers nobody: each request waits behind all others, and is answered when its caller
has gone. Two things tell. How long the processor will be busy with what one turn of the event loop has read: who is
read after too much is told to come back, before the request is parsed. And how long requests wait between arriving and
being looked at (as CoDel does for packets, RFC 8289): a burst may wait a moment; when the queue does not go away,
newcomers are told to come back.
"""

from time import perf_counter, thread_time

from core.logs import audit
from core.turn import Turn

MAX_IN_FLIGHT = 1024
"""Beyond this a request would only wait for what all the others wait for."""
MAX_WAIT_S = 0.1
OVERLOAD = "overload"
"""The reason of what is shed."""
VITAL = ("/livez", "/readyz", "/metrics")
"""Never shed: a server that is too busy to say that it lives is killed by whoever asks."""
_PATIENCE_S = 0.2
_ALERT_S = 1.0
_SMALL_TURN = 64
"""As many at the same moment are no overload, however dear each of them is."""
_FIRST_GUESS_S = 0.0002


class Lifecycle:
    """The state that every request of one server looks at. Times are those of `perf_counter`."""

    def __init__(self) -> None:
        self.draining = False
        self.in_flight = 0
        self.connections = 0
        self.begun = 0
        """How many requests a handler was begun for."""
        self.turn = Turn()
        self.in_time_s = perf_counter()
        """When a request was last looked at within `MAX_WAIT_S` of its arrival."""
        self.shed = 0
        """How many requests were told to come back because there were too many."""
        self._turn_s = self._turn_cpu_s = 0.0
        self._read = 0
        self._counted, self._counted_cpu_s, self._cost_s = 0, 0.0, _FIRST_GUESS_S
        self._sheds_until_s = self._alert_until_s = self._late_since_s = 0.0

    def takes(self, now_s: float) -> bool:
        """Tell whether a request that is read now can still be answered in time."""
        if self.turn.began_s != self._turn_s:
            self._begin_turn()
        self._read += 1
        if self._read > _SMALL_TURN and self._is_full(now_s):
            return False
        return now_s >= self._sheds_until_s

    def _begin_turn(self) -> None:
        is_first = self._turn_s == 0.0
        self._turn_s, self._turn_cpu_s, self._read = self.turn.began_s, thread_time(), 0
        if is_first:  # what the start took is no part of any request
            self._counted_cpu_s = self._turn_cpu_s
        begun = self.begun - self._counted
        if begun >= _SMALL_TURN:
            self._cost_s = (self._turn_cpu_s - self._counted_cpu_s) / begun
            self._counted, self._counted_cpu_s = self.begun, self._turn_cpu_s

    def _is_full(self, now_s: float) -> bool:
        """Tell whether what is read already keeps the processor busy for as long as a request may wait.

        Some were answered where they were read, others wait for their task to run. The clock is looked at first, for it
        costs nothing; after a moment without the CPU it is wrong.
        """
        waiting_s = self.turn.waiting * self._cost_s
        if waiting_s + now_s - self._turn_s <= MAX_WAIT_S:
            return False
        return waiting_s + thread_time() - self._turn_cpu_s > MAX_WAIT_S

    def waited_too_long(self, now_s: float) -> None:
        """Note that a request was looked at later than `MAX_WAIT_S` after it came; shed if that goes on."""
        is_alert = now_s < self._alert_until_s
        if not is_alert and not self._goes_on(now_s):
            return
        if not is_alert:
            audit.warning("overload.began", shed_before=self.shed)
        self._alert_until_s = now_s + _ALERT_S
        self._sheds_until_s = now_s + MAX_WAIT_S

    def _goes_on(self, now_s: float) -> bool:
        """Tell whether every request was late for a while. After a moment without the CPU many are, once."""
        if self._late_since_s < self.in_time_s:
            self._late_since_s = now_s
        return now_s - self._late_since_s >= _PATIENCE_S
