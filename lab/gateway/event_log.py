"""Everything that happened, numbered, so that a page that lost its stream can go on where it stopped."""

import asyncio
import json
from collections import deque
from dataclasses import dataclass
from typing import Any

KEPT_EVENTS = 2000


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `text` is its JSON."""

    number: int
    kind: str
    text: str


class EventLog:
    """The events of one learner. The oldest are dropped; a reader that asks for a dropped one is told."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=KEPT_EVENTS)
        self._last = 0
        self.news = asyncio.Event()
        """Set at the next event. Take it before looking, and nothing can happen unseen between looking and waiting."""
        self.readers = 0

    def add(self, kind: str, data: dict[str, Any]) -> int:
        """Keep an event and wake who waits; return its number."""
        self._last += 1
        self._events.append(Event(self._last, kind, json.dumps({"id": self._last, "kind": kind, **data})))
        self._wake()
        return self._last

    def clear(self) -> None:
        """Forget what happened; numbers go on."""
        self._events.clear()

    def after(self, number: int) -> list[Event]:
        """Return everything after a number, oldest first."""
        return [event for event in self._events if event.number > number]

    def lost_after(self, number: int) -> bool:
        """Tell whether something after this number is not kept any more."""
        oldest = self._events[0].number if self._events else self._last + 1
        return number + 1 < oldest

    def _wake(self) -> None:
        self.news.set()
        self.news = asyncio.Event()
