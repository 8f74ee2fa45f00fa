"""A lab of the tests' own, on free ports, with everything in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class OwnLab:
    """A lab that tests may break."""

    url: str


@contextmanager
def running_own_lab(directory: Path) -> Iterator[OwnLab]:
    """Start it and stop it."""
    raise NotImplementedError(directory)
