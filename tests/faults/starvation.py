"""Leave a server little of the processor: others that burn it, or a life in which it is mostly asleep."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import psutil

CORE = 0


def pin(pids: Iterable[int], core: int = CORE) -> None:
    """Have processes, with all their threads, run on one core."""
    for pid in pids:
        for thread in psutil.Process(pid).threads():
            os.sched_setaffinity(thread.id, {core})


def unpin(pids: Iterable[int]) -> None:
    """Let them run anywhere again."""
    for pid in pids:
        for thread in psutil.Process(pid).threads():
            os.sched_setaffinity(thread.id, set(range(os.cpu_count() or 1)))


@contextmanager
def burning(count: int, core: int = CORE) -> Iterator[None]:
    """Have some processes compete for one core; each is a session of its own, as strangers are."""
    command = [sys.executable, "-c", "while True: pass"]
    burners = [subprocess.Popen(command, start_new_session=True) for _ in range(count)]
    try:
        pin((burner.pid for burner in burners), core)
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.wait()


@contextmanager
def mostly_asleep(pids: Iterable[int], *, awake_s: float, asleep_s: float) -> Iterator[None]:
    """Stop processes with SIGSTOP and let them go on with SIGCONT, again and again."""
    processes = [psutil.Process(pid) for pid in pids]
    over = threading.Event()

    def cycle() -> None:
        while not over.wait(awake_s):
            for process in processes:
                process.suspend()
            over.wait(asleep_s)
            for process in processes:
                process.resume()

    thread = threading.Thread(target=cycle)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
