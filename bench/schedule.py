"""In which order arms are measured: at random, and each order once more backwards."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


def interleaved(arms: Sequence[T], rounds: int, seed: int) -> Iterator[list[T]]:
    """Yield one order of all arms per round, in pairs A B … then … B A, so that a steady drift cancels out."""
    source = Random(seed)
    order = [*arms]
    for number in range(rounds):
        if number % 2 == 0:
            source.shuffle(order)
            yield [*order]
        else:
            yield order[::-1]
