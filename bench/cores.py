"""Keep the server and what drives it on cores of their own, where the system lets us choose."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Placement:
    """Which cores the servers under test use, and which everybody else. Empty: the system decides."""

    servers: tuple[int, ...]
    others: tuple[int, ...]

    @property
    def pinned(self) -> bool:
        """Whether servers and generator are kept apart."""
        return bool(self.servers)


def choose_placement() -> Placement:
    """Give the server the first core and the rest to generator and Redis; nothing with one core or no such call."""
    if not hasattr(os, "sched_getaffinity"):
        return Placement((), ())
    cores = sorted(os.sched_getaffinity(0))
    return Placement(tuple(cores[:1]), tuple(cores[1:])) if len(cores) > 1 else Placement((), ())


@contextmanager
def running_on(cores: Iterable[int]) -> Iterator[None]:
    """Let whatever is started inside the block run on these cores only."""
    chosen = set(cores)
    if not chosen or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, chosen)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def move(pid: int, cores: Iterable[int]) -> None:
    """Move a running process, with every thread it has, to these cores."""
    chosen = set(cores)
    if not chosen or not hasattr(os, "sched_setaffinity"):
        return
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            os.sched_setaffinity(int(task.name), chosen)
        except ProcessLookupError:
            continue  # a thread that has just ended needs no core
