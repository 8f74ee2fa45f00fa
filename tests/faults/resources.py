"""What servers hold: file descriptors and memory."""

from collections.abc import Iterable
from dataclasses import dataclass

import psutil

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Held:
    """Open file descriptors and resident memory of some servers, workers included, summed up."""

    descriptors: int
    memory_mib: float


def held_by(pids: Iterable[int]) -> Held:
    """Look at processes and all that they started; one that has ended holds nothing."""
    descriptors, memory_bytes = 0, 0
    for pid in pids:
        try:
            process = psutil.Process(pid)
            for one in (process, *process.children(recursive=True)):
                descriptors += one.num_fds()
                memory_bytes += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return Held(descriptors, round(memory_bytes / _MIB, 1))
