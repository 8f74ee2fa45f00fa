"""What a lesson is."""

from collections.abc import Callable
from dataclasses import dataclass

from lab.tour.guide import Guide


@dataclass(frozen=True, slots=True)
class Lesson:
    """One lesson: a question, and what is done to answer it."""

    number: int
    title: str
    question: str
    run: Callable[[Guide], None]
    needs: tuple[str, ...] = ()
    """The servers without which there is nothing to show, by strategy; twice for two of them."""
    breaks: tuple[str, ...] = ()
    """What a fault proxy must stand before, so that it can be broken."""
