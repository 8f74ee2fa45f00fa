"""F-25: the servers get a fraction of one core."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from core.connection import HEAD_DEADLINE_S
from lab.processes import ServerProcess
from tests.attacks.wire import Wire
from tests.faults.conftest import RowOf
from tests.faults.experiment import Experiment, Guarded
from tests.faults.house import House, pids_of
from tests.faults.latency import quantile_ms
from tests.faults.lines import REFUSES, logouts, reads
from tests.faults.people import Credential, log_in_all
from tests.faults.starvation import burning, mostly_asleep, pin, unpin

pytestmark = pytest.mark.faults

STARVED_S = 5.0
BURNERS = 3
AWAKE_S, ASLEEP_S = 0.1, 0.15
_SLACK_S = 5.0


class System:
    """Servers of both sides that look something up, or are told what ended."""

    def __init__(self, house: House) -> None:
        token_store, session_store = house.redis("redis-auth").url, house.redis("redis-sessions").url
        self.auth = house.auth(token_store)
        self.denylisted = house.resource("denylisted-jwt", RESOURCE_REDIS_URL=token_store)
        self.pushed = house.resource("pushed-jwt", RESOURCE_REDIS_URL=token_store)
        self.sessions = house.session("redis-session", session_store)
        self.tracked = house.session("tracked-session", session_store)
        house.ready()

    @property
    def servers(self) -> list[ServerProcess]:
        return [self.auth, self.denylisted, self.pushed, self.sessions, self.tracked]

    def lines(self, tokens: list[Credential], cookies: list[Credential]) -> list[Guarded]:
        return [
            reads("denylisted-jwt", self.denylisted, tokens, 30, may_fail=REFUSES),
            reads("pushed-jwt", self.pushed, tokens, 30, may_fail=REFUSES, stale_s=5),
            reads("redis-session", self.sessions, cookies, 30, may_fail=REFUSES),
            reads("tracked-session", self.tracked, cookies, 30, may_fail=REFUSES, stale_s=2),
            logouts("token logout", self.auth, tokens[:10], 2, may_fail=REFUSES),
            logouts("session logout", self.sessions, cookies[:10], 2, may_fail=REFUSES),
        ]


@contextmanager
def burnt(system: System) -> Iterator[None]:
    pids = pids_of(system.servers)
    pin(pids)
    with burning(BURNERS):
        yield
    unpin(pids)


@contextmanager
def asleep(system: System) -> Iterator[None]:
    with mostly_asleep(pids_of(system.servers), awake_s=AWAKE_S, asleep_s=ASLEEP_S):
        yield


@contextmanager
def half_a_request(server: ServerProcess) -> Iterator[Future[float]]:
    """Send half a head and no more; the future tells after how long the server hung up."""

    def held_s() -> float:
        with Wire(server.port, timeout_s=HEAD_DEADLINE_S + 2 * _SLACK_S) as wire:
            began_s = time.monotonic()
            wire.send(b"GET /me HTTP/1.1\r\nHost: ")
            wire.rest()
            return time.monotonic() - began_s

    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(held_s)


def test_with_a_fraction_of_a_core_answers_are_late_or_503_and_never_wrong(house: House, row_of: RowOf) -> None:
    system = System(house)
    ways = ((f"{BURNERS} burners on their core", burnt), ("mostly asleep", asleep))
    with row_of(
        "F-25", "Hardly any processor",
        injected=f"all servers on one core with {BURNERS} processes that burn it, for {STARVED_S:g} s; then SIGSTOP "
        f"for {ASLEEP_S * 1000:g} ms after every {AWAKE_S * 1000:g} ms, for {STARVED_S:g} s; logouts go on, and a "
        "client that sends half a request waits all the while",
        promise="every request is answered, with its answer or 503; nothing that ended is accepted for longer than the "
        "strategy's bound; deadlines hold; served within 1 s of the end",
    ) as row:  # fmt: skip
        with half_a_request(system.denylisted) as slow_client:
            for name, starve in ways:
                tokens, cookies = log_in_all(system.auth, 10), log_in_all(system.sessions, 10)
                experiment = Experiment(name, system.lines(tokens, cookies), system.servers)
                with experiment.running(), experiment.fault(), starve(system):
                    time.sleep(STARVED_S)
                row.runs.append(experiment.measured)
                served = sum(record.outcome == "200" for record in experiment.records)
                row.notes.append(
                    f"{name}: {served} of {len(experiment.records)} requests answered with 200, "
                    f"99 % of them within {quantile_ms(experiment.records, 0.99)} ms"
                )
            held_s = slow_client.result()
        assert HEAD_DEADLINE_S - 1 <= held_s <= HEAD_DEADLINE_S + _SLACK_S
        row.notes.append(f"half a request was hung up on after {held_s:.2f} s; its deadline is {HEAD_DEADLINE_S:g} s")
