"""CPU time of other processes, from the kernel's account, to the nanosecond where it keeps one."""

import platform
import time
from collections.abc import Iterable

import psutil

_LINUX = platform.system() == "Linux"
_NS = 1_000_000_000
_SCHEDULER_CLOCK = 2  # CPUCLOCK_SCHED of Linux: run time of every thread, ended ones included


def process_cpu_ns(pid: int) -> int:
    """Return the CPU time that one process has used so far; raise ProcessLookupError when it is gone."""
    if _LINUX:
        try:
            # The clock id of another process, as clock_getcpuclockid(3) makes it; ticks of 10 ms would be too coarse.
            return time.clock_gettime_ns((~pid << 3) | _SCHEDULER_CLOCK)
        except OSError as error:
            raise ProcessLookupError(pid) from error
    try:
        used = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess as error:
        raise ProcessLookupError(pid) from error
    return int((used.user + used.system) * _NS)


def family_of(pid: int) -> tuple[int, ...]:
    """Return a process and its descendants, such as the workers of a server."""
    return (pid, *(child.pid for child in psutil.Process(pid).children(recursive=True)))


class CpuMeter:
    """Measure the CPU time that a group of processes uses between two readings."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._pids = tuple(pids)
        self._before_ns = self._total_ns()

    def used_ns(self) -> int:
        """Return what the group has used since the meter was made."""
        return self._total_ns() - self._before_ns

    def _total_ns(self) -> int:
        return sum(process_cpu_ns(pid) for pid in self._pids)
