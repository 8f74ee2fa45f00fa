"""F-19 to F-22: workers are told to stop, replaced, killed and frozen under load."""

import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from lab.processes import ServerProcess
from tests.attacks.wire import NoAnswer, Wire, request_bytes
from tests.faults.conftest import RowOf
from tests.faults.experiment import Experiment, Guarded
from tests.faults.house import House
from tests.faults.lines import UNAFFECTED, logins, logouts, reads, refreshes
from tests.faults.people import Credential, log_in_all
from tests.faults.workers import wait_for_workers, wait_until, workers_of

pytestmark = pytest.mark.faults

LOST = frozenset({"reset", "closed", "timeout"})
WORKERS = {"WORKERS": "2"}


class Fleet:
    """A server of each kind with two workers each, and the load on them."""

    def __init__(self, house: House) -> None:
        self._house = house
        token_store, session_store = house.redis("redis-auth").url, house.redis("redis-sessions").url
        feed = {"RESOURCE_REDIS_URL": token_store}
        self.auth = house.auth(token_store, **WORKERS)
        self.denylisted = house.resource("denylisted-jwt", **feed, **WORKERS)
        self.pushed = house.resource("pushed-jwt", **feed, **WORKERS)
        accounts = {"SESSION_ACCOUNTS_REDIS_URL": token_store}
        self.sessions = house.session("redis-session", session_store, **accounts, **WORKERS)
        house.ready()
        for server in self.servers:
            wait_for_workers(server)

    @property
    def servers(self) -> list[ServerProcess]:
        return [self.auth, self.denylisted, self.pushed, self.sessions]

    def people(self) -> tuple[list[Credential], list[Credential]]:
        return log_in_all(self.auth, 25), log_in_all(self.sessions, 25)

    def lines(self, may_fail: frozenset[str] = UNAFFECTED) -> list[Guarded]:
        tokens, cookies = self.people()
        return [
            reads("denylisted-jwt", self.denylisted, tokens, 40, may_fail=may_fail),
            reads("pushed-jwt", self.pushed, tokens, 40, may_fail=may_fail, stale_s=5),
            reads("redis-session", self.sessions, cookies, 40, may_fail=may_fail),
            refreshes("refresh", self.auth, tokens[40:], 5, may_fail=may_fail),
            logouts("token logout", self.auth, tokens[:40], 1, may_fail=may_fail),
            logouts("session logout", self.sessions, cookies[:40], 1, may_fail=may_fail),
            logins("token login", self.auth, "root", 2, may_fail=may_fail),
            logins("session login", self.sessions, "root", 2, may_fail=may_fail),
        ]

    def replace_all(self, server: ServerProcess) -> None:
        """Have every worker of a server replaced, and return when they are."""
        before = {worker.pid for worker in workers_of(server)}
        os.kill(server.pid, signal.SIGHUP)
        wait_until(lambda: len(now := {one.pid for one in workers_of(server)}) == 2 and not now & before)


def test_a_worker_that_is_told_to_stop_loses_no_request(house: House, row_of: RowOf) -> None:
    fleet = Fleet(house)
    with row_of(
        "F-19", "SIGTERM to one worker under load",
        injected="SIGTERM to one of the two workers of each server in turn, twice around; each is replaced",
        promise="0 failed requests: the listening socket stays open in the other worker, the old one drains",
    ) as row:  # fmt: skip
        experiment = Experiment("one worker after the other", fleet.lines(), fleet.servers)
        with experiment.running(), experiment.fault():
            for server in (*fleet.servers, *fleet.servers):
                victim = random.choice(workers_of(server))
                victim.terminate()
                victim.wait(10)
                wait_for_workers(server)
        row.runs.append(experiment.measured)
        assert 0 == experiment.measured.error_window_s


def test_the_whole_system_is_restarted_three_times_and_no_request_fails(house: House, row_of: RowOf) -> None:
    fleet = Fleet(house)
    with row_of(
        "F-20", "Rolling restart of the whole system",
        injected="SIGHUP to each server in turn: every worker is replaced by a new process on the same socket; "
        "three times in a row, with clients that send their requests in two halves all the while",
        promise="0 failed requests, 0 clients turned away",
    ) as row:  # fmt: skip
        for round_number in (1, 2, 3):
            experiment = Experiment(f"round {round_number}", fleet.lines(), fleet.servers)
            with experiment.running(warm_s=1, after_s=1), experiment.fault(), slow_senders(fleet) as slow:
                for server in fleet.servers:
                    fleet.replace_all(server)
            row.runs.append(experiment.measured)
            experiment.measured.hold()
            assert 0 == experiment.measured.error_window_s
            assert {"200"} == set(slow.outcomes), slow.outcomes
            row.notes.append(f"round {round_number}: {len(slow.outcomes)} requests sent in two halves, all answered")


def test_a_worker_that_dies_takes_only_what_is_in_its_hands(house: House, row_of: RowOf) -> None:
    fleet = Fleet(house)
    with row_of(
        "F-21", "SIGKILL to one worker",
        injected="SIGKILL to one of the two workers of each server in turn, three times around (what the kernel does "
        "to a process that takes too much memory, too); retries of refreshes follow",
        promise="only requests that were on its connections are lost; it is replaced; no refresh family is torn",
    ) as row:  # fmt: skip
        experiment = Experiment("workers killed", fleet.lines(LOST), fleet.servers)
        with experiment.running(), experiment.fault():
            for server in fleet.servers * 3:
                random.choice(workers_of(server)).kill()
                time.sleep(0.2)
                wait_for_workers(server)
        row.runs.append(experiment.measured)
        lost = sum(len(verdict.failures) for verdict in experiment.measured.verdicts.values())
        row.notes.append(f"{lost} requests were lost with the {len(fleet.servers) * 3} killed workers")
        assert lost <= len(fleet.servers) * 3 * 2, "a killed worker had hardly more than one request in its hands"


FROZEN_S = 4.0


def test_a_frozen_worker_is_replaced_and_wakes_up_to_no_wrong_answer(house: House, row_of: RowOf) -> None:
    fleet = Fleet(house)
    with row_of(
        "F-22", "SIGSTOP to one worker",
        injected=f"SIGSTOP to one of the two workers of each server for {FROZEN_S:g} s with logouts going on, then "
        "SIGCONT; and once for longer than a supervisor waits for a sign of life",
        promise="new connections are served by the other worker; on waking, nothing that ended meanwhile is accepted "
        "for longer than the strategy's bound; a worker that is silent for 10 s is replaced",
    ) as row:  # fmt: skip
        for name, frozen_s in (("for a while", FROZEN_S), ("for good", 12.0)):
            lines = fleet.lines(LOST)
            experiment = Experiment(name, lines, fleet.servers, recovers_within_s=5.5)
            with experiment.running(after_s=6), experiment.fault():
                victims = [workers_of(server)[0] for server in fleet.servers]
                for victim in victims:
                    victim.suspend()
                time.sleep(frozen_s)
                for victim in victims:
                    if victim.is_running():
                        victim.resume()
            row.runs.append(experiment.measured)
        gone = [not psutil.pid_exists(victim.pid) for victim in victims]
        assert all(gone), "a supervisor replaces a worker that gives no sign of life"
        for server in fleet.servers:
            wait_for_workers(server)


class SlowSenders:
    """Clients that send half of a request, wait, and send the rest; each on a connection of its own."""

    def __init__(self, fleet: Fleet) -> None:
        tokens, cookies = fleet.people()
        self._requests = [
            (fleet.denylisted.port, request_bytes("GET", "/me", [header_of(tokens[0])])),
            (fleet.pushed.port, request_bytes("GET", "/me", [header_of(tokens[1])])),
            (fleet.sessions.port, request_bytes("GET", "/me", [header_of(cookies[0])])),
        ]
        self.outcomes: list[str] = []
        self._going_on = True

    def run(self, number: int) -> None:
        port, raw = self._requests[number]
        while self._going_on:
            self.outcomes.append(send_in_halves(port, raw, pause_s=random.uniform(0.1, 0.9)))

    def stop(self) -> None:
        self._going_on = False


class slow_senders:  # noqa: N801 - used as a context manager, and reads as one
    """Run slow senders beside a block."""

    def __init__(self, fleet: Fleet) -> None:
        self._senders = SlowSenders(fleet)
        self._pool = ThreadPoolExecutor(3)

    def __enter__(self) -> SlowSenders:
        self._running = [self._pool.submit(self._senders.run, number) for number in range(3)]
        return self._senders

    def __exit__(self, *_: object) -> None:
        self._senders.stop()
        for running in self._running:
            running.result(timeout=10)
        self._pool.shutdown()


def send_in_halves(port: int, raw: bytes, *, pause_s: float) -> str:
    """Send a request in two halves; return the status, or how the connection was lost."""
    with Wire(port) as wire:
        wire.send(raw[:40])
        time.sleep(pause_s)
        wire.send(raw[40:])
        try:
            return str(wire.answer().status)
        except NoAnswer as lost:
            return str(lost)


def header_of(credential: Credential) -> tuple[str, str]:
    """Return the header that is recognised."""
    name, _, value = credential.header.partition(": ")
    return name, value
