"""Whether a server is taking requests: not while it drains, and no more than it can answer in time.

A server that takes on everything answers nobody: each request waits behind all others, and is answered when its caller
has gone. Two things tell. How many requests came in one turn of the event loop, at what one costs: the surplus is told
to come back before it is parsed. And how long requests wait between arriving and being looked at (as CoDel does for
packets, RFC 8289): a burst may wait a moment; when the queue does not go away, newcomers are told to come back.
"""

from time import perf_counter, thread_time

from core.logs import audit

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
_FIRST_GUESS_S = 0.0002


class Lifecycle:
    """The state that every request of one server looks at. Times are those of `perf_counter`."""

    def __init__(self) -> None:
        self.draining = False
        self.in_flight = 0
        self.connections = 0
        self.begun = 0
        """How many requests a handler was begun for."""
        self.arrived = 0
        """How many came since the last handler began: what one turn of the event loop has read so far."""
        self.in_time_s = perf_counter()
        """When a request was last looked at within `MAX_WAIT_S` of its arrival."""
        self.shed = 0
        """How many requests were told to come back because there were too many."""
        self._sheds_until_s = self._alert_until_s = self._turn_began_s = self._late_since_s = 0.0
        self._turn_limit = _SMALL_TURN
        self._counted, self._counted_cpu_s = 0, 0.0
        self._cost_s = _FIRST_GUESS_S

    def takes(self, now_s: float) -> bool:
        """Count an arrival; tell whether it can still be answered in time."""
        self.arrived += 1
        if self.arrived > _SMALL_TURN and self._is_full(now_s):
            return False
        return now_s >= self._sheds_until_s

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

    def _is_full(self, now_s: float) -> bool:
        if self.arrived == _SMALL_TURN + 1:
            self._turn_began_s = now_s
            self._turn_limit = max(_SMALL_TURN, int(MAX_WAIT_S / self._cost_of_one_s()))
        elif now_s - self._turn_began_s > 2 * MAX_WAIT_S:  # nothing but garbage arrives, for which no handler begins
            self.arrived = 0
        return self.arrived > self._turn_limit

    def _cost_of_one_s(self) -> float:
        """Return the CPU time of the event loop's thread for one request, since it was asked last."""
        begun = self.begun - self._counted
        if begun >= _SMALL_TURN:
            cpu_s = thread_time()
            self._cost_s = (cpu_s - self._counted_cpu_s) / begun
            self._counted, self._counted_cpu_s = self.begun, cpu_s
        return self._cost_s
