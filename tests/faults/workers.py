"""The workers of a server, as the system sees them."""

import time
from collections.abc import Callable

import psutil

from lab.processes import ServerProcess


def workers_of(server: ServerProcess) -> list[psutil.Process]:
    """Return the workers that serve: those that have begun to listen for each other."""
    found = []
    for child in psutil.Process(server.pid).children():
        try:
            if "--worker" in child.cmdline() and child.net_connections("unix"):
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


def wait_for_workers(server: ServerProcess) -> None:
    """Return once both workers serve."""
    wait_until(lambda: len(workers_of(server)) == 2)


def wait_until(holds: Callable[[], bool], *, within_s: float = 30.0) -> None:
    """Return once something holds."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)
