"""F-26: nobody takes the log: a pipe that is not read, a file that may not grow."""

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import repeat
from threading import Event

import psutil
import pytest

from lab.processes import ServerProcess, free_port
from tests.attacks.wire import request_bytes
from tests.faults.conftest import RowOf
from tests.faults.counters import counted
from tests.faults.experiment import Experiment
from tests.faults.flood import flood
from tests.faults.house import House
from tests.faults.lines import REFUSES, logins, reads
from tests.faults.people import log_in_all
from tests.support.environments import resource_environment

pytestmark = pytest.mark.faults

NOBODY = request_bytes("GET", "/me")
"""Is refused, and a line in the log tells of it."""
MORE_THAN_IS_KEPT = 11_500
MORE_THAN_A_PIPE_HOLDS = 1_000
REFUSED = '"event": "request.refused"'


class Reader:
    """Takes a server's lines from a pipe, or for a while does not: the pipe fills, and who writes to it must wait."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._reads = Event()
        self._reads.set()

    def __call__(self, line: str) -> None:
        self._reads.wait()
        self.lines.append(line)

    @contextmanager
    def away(self) -> Iterator[None]:
        self._reads.clear()
        try:
            yield
        finally:
            self._reads.set()


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def plain(reader: Reader) -> Iterator[ServerProcess]:
    """Run a resource server whose log is a pipe, with Python's buffers as they are outside of tests."""
    environment = {**resource_environment(), "PYTHONUNBUFFERED": ""}
    with ServerProcess("plain-jwt", "resource_server", environment, free_port(), output=reader) as server:
        yield server.start()


@contextmanager
def full_disk(server: ServerProcess, log: Callable[[], str]) -> Iterator[None]:
    """Let a server's files grow no further, the log first of all."""
    process = psutil.Process(server.pid)
    process.rlimit(psutil.RLIMIT_FSIZE, (len(log().encode()), resource.RLIM_INFINITY))
    try:
        yield
    finally:
        process.rlimit(psutil.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def test_who_cannot_log_serves_all_the_same_and_counts_what_is_lost(
    house: House, row_of: RowOf, plain: ServerProcess, reader: Reader
) -> None:
    token_store, session_store = house.redis("redis-auth").url, house.redis("redis-sessions").url
    auth = house.auth(token_store)
    sessions = house.session("redis-session", session_store, SESSION_ACCOUNTS_REDIS_URL=token_store)
    house.ready()
    plain.wait_ready()
    tokens, cookies = log_in_all(auth, 10), log_in_all(sessions, 10)
    lines = [
        reads("plain-jwt", plain, tokens, 40, may_fail=REFUSES, stale_s=None),
        reads("redis-session", sessions, cookies, 40, may_fail=REFUSES),
        logins("token login", auth, "root", 2, may_fail=REFUSES),
    ]

    def told_of_pipe() -> str:
        return "\n".join(reader.lines)

    def told_of_disk() -> str:
        return house.log("redis-session")

    with row_of(
        "F-26", "Log sink blocked or full",
        injected="nobody reads the pipe that a server logs to, while more requests are refused than lines are kept; "
        "another's log may not grow (RLIMIT_FSIZE: a write fails, as on a full disk); SIGTERM with the pipe still full",
        promise="no request waits for the log; lines are dropped and counted, none is lost uncounted; "
        "the log goes on when its sink does; a server whose pipe is full still stops by itself, with exit code 0",
    ) as row:  # fmt: skip
        for name, server, blocked, log, refused in (
            ("pipe not read", plain, reader.away(), told_of_pipe, MORE_THAN_IS_KEPT),
            ("disk full", sessions, full_disk(sessions, told_of_disk), told_of_disk, MORE_THAN_A_PIPE_HOLDS),
        ):
            experiment = Experiment(name, lines, [plain, auth, sessions])
            with experiment.running(warm_s=1, after_s=1):
                with experiment.fault(), blocked:
                    assert {401, 503}.issuperset(flood(server.port, repeat(NOBODY, refused)))
                flood(server.port, [NOBODY])
            row.runs.append(experiment.measured)
            written, dropped = accounts_for_every_line(server, log)
            row.notes.append(f"{name}: of {written + dropped} lines {dropped} were dropped and counted")
            assert dropped > 0
            assert REFUSED in log().splitlines()[-1], "the log goes on"
        shed = sum(len(verdict.failures) for run in row.runs for verdict in run.verdicts.values())
        assert shed < 0.02 * sum(run.requests for run in row.runs), "the log is no reason to turn anybody away"
        took_s = stops_after_s(plain, reader)
        row.notes.append(f"with the pipe full, the server ended by itself {took_s:.1f} s after SIGTERM")


def accounts_for_every_line(server: ServerProcess, log: Callable[[], str]) -> tuple[int, int]:
    """Wait until every refusal is either written or counted as dropped; return how many of each."""
    deadline = time.monotonic() + 10
    while True:
        written, dropped = log().count(REFUSED), round(counted(server, "authlab_log_lines_dropped"))
        refused = round(counted(server, "authlab_refusals"))
        if written + dropped == refused:
            return written, dropped
        assert time.monotonic() < deadline, (written, dropped, refused)
        time.sleep(0.1)


def stops_after_s(server: ServerProcess, reader: Reader) -> float:
    """Tell a server to stop while nobody reads its log; return how long it took to end, well."""
    with reader.away():
        flood(server.port, repeat(NOBODY, MORE_THAN_A_PIPE_HOLDS))
        server.ask_to_stop()
        asked_s = time.monotonic()
        while server.running:
            assert time.monotonic() - asked_s < 10, "it waits for a reader that never comes"
            time.sleep(0.05)
    assert 0 == server.exit_code
    return time.monotonic() - asked_s
