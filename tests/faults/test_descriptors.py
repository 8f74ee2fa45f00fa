"""F-23: more clients than there are file descriptors for, and then not one descriptor left."""

import socket
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

import psutil
import pytest

from lab.processes import LOOPBACK, ServerProcess
from tests.attacks.wire import Wire, request_bytes
from tests.faults.conftest import RowOf
from tests.faults.experiment import Experiment
from tests.faults.house import House
from tests.faults.lines import REFUSES, reads
from tests.faults.people import Credential, log_in_all

pytestmark = pytest.mark.faults

FEW = 200
CROWD = 300
FAULT_S = 2.0
LOST = frozenset({"reset", "closed", "timeout"})
BUSY = 0.5
"""Of one core. The load alone takes some hundredths; a loop that accepts in vain would take all of it."""


class Asked:
    """One server under test, and what a good caller asks it."""

    def __init__(self, server: ServerProcess, credential: Credential) -> None:
        name, _, value = credential.header.partition(": ")
        self.server = server
        self.request = request_bytes("GET", "/me", [(name, value)])
        self.process = psutil.Process(server.pid)

    def status(self) -> int:
        """Ask on a new connection."""
        with Wire(self.server.port) as wire:
            return wire.exchange(self.request).status

    def cpu_s(self) -> float:
        """Return the CPU time that the server has taken so far."""
        times = self.process.cpu_times()
        return times.user + times.system


@contextmanager
def limited(asked: Iterable[Asked], limit: int | None) -> Iterator[None]:
    """Let servers have so many descriptors, with None no more than they have now."""
    before = [(one.process, one.process.rlimit(psutil.RLIMIT_NOFILE)) for one in asked]
    for process, (_, hard) in before:
        process.rlimit(psutil.RLIMIT_NOFILE, (limit or process.num_fds(), hard))
    try:
        yield
    finally:
        for process, limits in before:
            process.rlimit(psutil.RLIMIT_NOFILE, limits)


@contextmanager
def crowd(port: int, request: bytes) -> Iterator[Counter[str]]:
    """Connect many clients that ask once and stay; yield what they got: a status, `closed`, `reset` or `timeout`."""
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection((LOOPBACK, port), timeout=5)) for _ in range(CROWD)]
        yield Counter(outcome(client, request) for client in clients)


def outcome(client: socket.socket, request: bytes) -> str:
    """Ask, and return what came back."""
    try:
        client.sendall(request)
        said = client.recv(64)
    except TimeoutError:
        return "timeout"
    except (BrokenPipeError, ConnectionResetError):
        return "reset"
    return said[9:12].decode() or "closed"


def besieged(one: Asked, wire: Wire) -> tuple[Counter[str], set[int], float]:
    """Crowd a server out for a while; return what the crowd got, what a client got who was there before, CPU share."""
    with crowd(one.server.port, one.request) as outcomes:
        began_s, before_s = time.monotonic(), one.cpu_s()
        statuses = set()
        while time.monotonic() - began_s < FAULT_S:
            statuses.add(wire.exchange(one.request).status)
            time.sleep(0.1)
        return outcomes, statuses, (one.cpu_s() - before_s) / (time.monotonic() - began_s)


def test_a_server_without_descriptors_turns_newcomers_away_and_keeps_calm(house: House, row_of: RowOf) -> None:
    store = house.redis("redis-auth").url
    auth = house.auth(store)
    plain = house.resource("plain-jwt")
    sessions = house.session("redis-session", house.redis("redis-sessions").url, SESSION_ACCOUNTS_REDIS_URL=store)
    house.ready()
    tokens, cookies = log_in_all(auth, 10), log_in_all(sessions, 10)
    asked = [Asked(plain, tokens[0]), Asked(sessions, cookies[0])]
    lines = [
        reads("plain-jwt", plain, tokens, 40, may_fail=REFUSES | LOST, stale_s=None),
        reads("redis-session", sessions, cookies, 40, may_fail=REFUSES | LOST),
    ]
    with row_of(
        "F-23", "File descriptors exhausted",
        injected=f"RLIMIT_NOFILE {FEW}, and {CROWD} clients that connect to a server and stay; then a limit of what is "
        "in use already, so that accept itself fails, and as many clients again",
        promise="who is connected is served; newcomers are turned away at once, with 503 while there is a descriptor "
        "for that; no crash, no busy loop; newcomers are served as soon as there is room",
    ) as row:  # fmt: skip
        for name, limit in ((f"limit of {FEW}", FEW), ("none left", None)):
            experiment = Experiment(name, lines, [plain, sessions])
            with experiment.running(warm_s=1, after_s=1.5), ExitStack() as stack:
                wires = [stack.enter_context(Wire(one.server.port)) for one in asked]
                for one, wire in zip(asked, wires, strict=True):
                    assert 200 == wire.exchange(one.request).status
                with experiment.fault(), limited(asked, limit):
                    found = [besieged(one, wire) for one, wire in zip(asked, wires, strict=True)]
                assert [200, 200] == [one.status() for one in asked], "newcomers are served when there is room"
            row.runs.append(experiment.measured)
            for one, (outcomes, statuses, cpu) in zip(asked, found, strict=True):
                # With no descriptor left, a session server may lack a second connection to its store.
                allowed = {200} if one.server is plain or limit else {200, 503}
                assert allowed.issuperset(statuses), "who was connected before is served"
                assert {"200", "503", "reset", "closed"}.issuperset(outcomes), outcomes
                assert outcomes["200"] < FEW, outcomes
                assert cpu < BUSY, f"a busy loop: {cpu:.0%} of a core"
                told = ", ".join(f"{count} {what}" for what, count in sorted(outcomes.items()))
                row.notes.append(f"{name}, {one.server.name}: {CROWD} newcomers got {told}; {cpu:.0%} of a core")
