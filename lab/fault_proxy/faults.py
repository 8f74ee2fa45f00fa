"""What is wrong at this moment, and until when."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["none", "refuse", "hang", "cut"]
DEFAULT_DURATION_S = 120.0


@dataclass(slots=True)
class Faults:
    """One fault at a time, and independently of it a delay in each direction; each heals by itself."""

    changed: Callable[[], None] = lambda: None
    """Called after every change, also after healing."""
    kind: Kind = "none"
    after_reply_bytes: int = 0
    """For `cut`: how much of the reply still passes on each connection."""
    to_server_s: float = 0.0
    to_client_s: float = 0.0
    _fault_heals: asyncio.TimerHandle | None = None
    _delay_heals: asyncio.TimerHandle | None = None

    def set_fault(self, kind: Kind, *, for_s: float | None, after_reply_bytes: int = 0) -> None:
        """Begin a fault that ends after `for_s` seconds, or with None when it is healed."""
        self.kind, self.after_reply_bytes = kind, after_reply_bytes
        self._fault_heals = _later(self._fault_heals, for_s, self._heal_fault)
        self.changed()

    def set_delay(self, to_server_s: float, to_client_s: float, *, for_s: float | None) -> None:
        """Hold back what passes, in each direction by so much, as `set_fault` for its time."""
        self.to_server_s, self.to_client_s = to_server_s, to_client_s
        self._delay_heals = _later(self._delay_heals, for_s, self._heal_delay)
        self.changed()

    def heal(self) -> None:
        """End everything that is wrong."""
        self._heal_delay()
        self._heal_fault()

    def as_data(self) -> dict[str, Any]:
        """Describe the present state for the control port."""
        return {
            "fault": self.kind,
            "fault_heals_in_s": _left(self._fault_heals),
            "after_reply_bytes": self.after_reply_bytes,
            "to_server_ms": self.to_server_s * 1e3,
            "to_client_ms": self.to_client_s * 1e3,
            "delay_heals_in_s": _left(self._delay_heals),
        }

    def _heal_fault(self) -> None:
        self.set_fault("none", for_s=None)

    def _heal_delay(self) -> None:
        self.set_delay(0.0, 0.0, for_s=None)


def _later(
    pending: asyncio.TimerHandle | None, for_s: float | None, heal: Callable[[], None]
) -> asyncio.TimerHandle | None:
    if pending is not None:
        pending.cancel()
    return None if for_s is None else asyncio.get_running_loop().call_later(for_s, heal)


def _left(heals: asyncio.TimerHandle | None) -> float | None:
    return None if heals is None else round(max(0.0, heals.when() - asyncio.get_running_loop().time()), 3)
