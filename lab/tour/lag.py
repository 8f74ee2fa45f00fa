"""Measure how long an ended credential is still accepted."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

_QUIET_S = 0.4


@dataclass(frozen=True, slots=True)
class Lag:
    """From the answer to a logout until the last 200 that any server gave to that credential."""

    lag_ms: float | None
    """None while it is still accepted, for then nobody knows yet."""
    bound_s: float | None
    """What the strategy promises."""
    still_accepted: bool

    @property
    def kept(self) -> bool:
        """Whether the promise was kept."""
        return self.lag_ms is not None and self.bound_s is not None and self.lag_ms <= self.bound_s * 1000

    def as_data(self) -> dict[str, Any]:
        """Describe it for programs."""
        return {"lag_ms": self.lag_ms, "bound_s": self.bound_s, "still_accepted": self.still_accepted}


def measure(asks: Sequence[Callable[[], int]], *, bound_s: float) -> Lag:
    """Ask in turn, right after a logout was answered, until nobody accepts any more or it takes longer than allowed.

    `asks` each send the ended credential to one server and return the status.
    """
    began_s = time.perf_counter()
    last_accepted_s: float | None = None
    while True:
        for ask in asks:
            if ask() == HTTPStatus.OK:
                last_accepted_s = time.perf_counter()
        now_s = time.perf_counter()
        if now_s - (last_accepted_s or began_s) > _QUIET_S:
            lag_s = 0.0 if last_accepted_s is None else last_accepted_s - began_s
            return Lag(round(lag_s * 1000, 1), bound_s, still_accepted=False)
        if now_s - began_s > bound_s + 2 * _QUIET_S:
            return Lag(None, bound_s, still_accepted=True)
