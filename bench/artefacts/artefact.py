"""A measurement made wrongly and rightly, side by side."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Artefact:
    """What the wrong way and the right way say about the same thing."""

    what: str
    unit: str
    wrong_way: str
    wrong: float
    right_way: str
    right: float
    lesson: str

    @property
    def factor(self) -> float:
        """By how much the wrong way is off: the larger number over the smaller."""
        return max(self.wrong, self.right) / min(self.wrong, self.right)
