"""Stop asking a dependency that does not answer; let one caller at a time find out whether it is back."""

import random
import time
from collections.abc import Callable

_OPENS_AFTER = 5
_PROBE_EVERY_S = 0.25


class Circuit:
    """Closed while calls succeed; opens after five failures in a row; then one probe each quarter second, jittered."""

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        changed: Callable[[bool, str], None] = lambda _is_open, _cause: None,
    ) -> None:
        self._monotonic = monotonic
        self._changed = changed
        self._failures = 0
        self._next_probe_s = 0.0

    @property
    def is_open(self) -> bool:
        """Tell whether calls are being refused."""
        return self._failures >= _OPENS_AFTER

    def admits(self) -> bool:
        """Tell whether a call may go out now. When the circuit is open, True makes the caller the probe."""
        if not self.is_open:
            return True
        now = self._monotonic()
        if now < self._next_probe_s:
            return False
        self._next_probe_s = now + _PROBE_EVERY_S * random.uniform(0.75, 1.25)  # noqa: S311 - jitter, not a secret
        return True

    def succeeded(self) -> None:
        """Record an answer; close."""
        if self._failures >= _OPENS_AFTER:
            self._changed(False, "")  # noqa: FBT003 - it is closed
        self._failures = 0

    def failed(self, cause: str = "no answer") -> None:
        """Record a missing answer, and why it is missing."""
        self._failures += 1
        if self._failures == _OPENS_AFTER:
            self._next_probe_s = self._monotonic() + _PROBE_EVERY_S
            self._changed(True, cause)  # noqa: FBT003 - it is open
