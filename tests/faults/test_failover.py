"""F-09 and F-10: Sentinel makes a replica the master, in order and after a death; nobody ever reads from a replica."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from lab.processes import RedisProcess, ServerProcess
from tests.faults.conftest import RowOf
from tests.faults.experiment import Experiment, Guarded
from tests.faults.house import House
from tests.faults.lines import REFUSES, UNAFFECTED, logins, logouts, reads, refreshes
from tests.faults.people import log_in_all
from tests.faults.sentinels import SentinelHouse

pytestmark = pytest.mark.faults

STORES = ("redis-auth", "redis-sessions")
FAILOVER_STALE_S = 1.0
"""A server leaves an old master within half a second of the sentinels' word; until then it may read what is old."""
WRITES_REFUSED_S = 3.0
"""Until most sentinels take a dead replica, or the dead master that would be one, for down: a write waits for that, so
that none is acknowledged which only a new master has. They hear of a switch from each other within two seconds, and
take a silent one for down one second later."""


@pytest.fixture
def sentinels(tmp_path: Path) -> Iterator[SentinelHouse]:
    with SentinelHouse(tmp_path / "stores", *STORES) as sentinels:
        yield sentinels


class System:
    """Servers of both sides, each store behind Sentinel, and the load on them."""

    def __init__(self, house: House, sentinels: SentinelHouse) -> None:
        token_store, session_store = (sentinels.url(name) for name in STORES)
        self.auth = house.auth(token_store)
        self.denylisted = house.resource("denylisted-jwt", RESOURCE_REDIS_URL=token_store)
        self.pushed = house.resource("pushed-jwt", RESOURCE_REDIS_URL=token_store)
        accounts = {"SESSION_ACCOUNTS_REDIS_URL": token_store}
        self.redis_session = house.session("redis-session", session_store, **accounts)
        self.tracked = house.session("tracked-session", session_store, **accounts)
        house.ready()

    @property
    def servers(self) -> list[ServerProcess]:
        return [self.auth, self.denylisted, self.pushed, self.redis_session, self.tracked]

    def lines(self, *, stale_s: float = FAILOVER_STALE_S, may_fail: frozenset[str] = REFUSES) -> list[Guarded]:
        tokens, cookies = log_in_all(self.auth, 20), log_in_all(self.redis_session, 20)
        return [
            reads("denylisted-jwt", self.denylisted, tokens, 30, may_fail=may_fail, stale_s=stale_s),
            reads("pushed-jwt", self.pushed, tokens, 30, may_fail=may_fail, stale_s=5),
            reads("redis-session", self.redis_session, cookies, 30, may_fail=may_fail, stale_s=stale_s),
            reads("tracked-session", self.tracked, cookies, 30, may_fail=may_fail, stale_s=2),
            refreshes("refresh", self.auth, tokens[30:], 5, may_fail=REFUSES),
            logouts("token logout", self.auth, tokens[:30], 3, may_fail=REFUSES),
            logouts("session logout", self.redis_session, cookies[:30], 3, may_fail=REFUSES),
            logins("token login", self.auth, "root", 2, may_fail=REFUSES),
        ]


def in_order(sentinels: SentinelHouse, _masters: list[RedisProcess]) -> None:
    for name in STORES:
        sentinels.sentinels[0].ask("SENTINEL", "FAILOVER", name)


def by_death(_sentinels: SentinelHouse, masters: list[RedisProcess]) -> None:
    for master in masters:
        master.kill()


def by_pause(sentinels: SentinelHouse, masters: list[RedisProcess]) -> None:
    sentinels.sentinels[0].pause()
    for master in masters:
        master.pause()


Failover = Callable[[SentinelHouse, list[RedisProcess]], None]


def bring_back(sentinels: SentinelHouse, masters: list[RedisProcess], how: Failover) -> None:
    """Let the old masters live again; they take themselves for masters until the sentinels tell them otherwise."""
    if how is by_death:
        for master in masters:
            master.restart()
    if how is by_pause:
        sentinels.sentinels[0].resume()
        for master in masters:
            master.resume()
    for name in STORES:
        sentinels.wait_for_a_replica(name)


def test_servers_follow_the_master_and_no_acknowledged_logout_is_lost(
    house: House, row_of: RowOf, sentinels: SentinelHouse
) -> None:
    system = System(house, sentinels)
    with row_of(
        "F-09", "Sentinel failover",
        injected="three sentinels, a master and a replica for each store: SENTINEL FAILOVER; SIGKILL to both masters; "
        "SIGSTOP to both masters and a sentinel, then SIGCONT, so that two masters are awake at once",
        promise="503 until there is a new master, and writes until the old one is known to be down, "
        f"{WRITES_REFUSED_S:g} s later at most; what was acknowledged as ended stays so; "
        "an old master is left within 1 s",
    ) as row:  # fmt: skip
        for name, how in (("in order", in_order), ("masters killed", by_death), ("masters paused", by_pause)):
            masters = [sentinels.master(store) for store in STORES]
            experiment = Experiment(name, system.lines(), system.servers, recovers_within_s=WRITES_REFUSED_S)
            with experiment.running(after_s=WRITES_REFUSED_S + 1):
                with experiment.fault():
                    how(sentinels, masters)
                    for store, master in zip(STORES, masters, strict=True):
                        sentinels.wait_for_another_master(store, master)
                time.sleep(1)
                bring_back(sentinels, masters, how)
            row.runs.append(experiment.measured)
        stalest_s = max(verdict.stalest_s for run in row.runs for verdict in run.verdicts.values())
        row.notes.append(
            f"the last answer from an old master came {stalest_s:.2f} s after the end that it did not know of"
        )


def test_nobody_reads_from_a_replica(house: House, row_of: RowOf, sentinels: SentinelHouse) -> None:
    system = System(house, sentinels)
    replicas = [sentinels.replica(name) for name in STORES]
    with row_of(
        "F-10", "Replica lags behind",
        injected="SIGSTOP to the replicas of both stores for 4 s, with logouts going on",
        promise="reads notice nothing: sessions and revocations are read from the master alone; logins, refreshes and "
        "logouts answer 503 until the sentinels take the replica for down (1 s here): they would die with the master",
    ) as row:  # fmt: skip
        before = [commands_of(replica) for replica in replicas]
        experiment = Experiment("replicas paused", system.lines(stale_s=0.0, may_fail=UNAFFECTED), system.servers)
        with experiment.running(), experiment.fault():
            for replica in replicas:
                replica.pause()
            time.sleep(4)
            for replica in replicas:
                replica.resume()
        row.runs.append(experiment.measured)
        read = [commands_of(replica) - earlier for replica, earlier in zip(replicas, before, strict=True)]
        assert [0, 0] == read
        assert experiment.measured.error_window_s < WRITES_REFUSED_S, "a dead replica is no dependency for long"
        row.notes.append("the replicas were asked for 0 values by our servers")


def commands_of(node: RedisProcess) -> int:
    """Return how many reads a node was ever asked for by clients: a master sends its replica no reads."""
    with Redis(port=node.port) as client:
        stats = client.info("commandstats")
    return sum(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("get", "mget", "xread", "evalsha"))
