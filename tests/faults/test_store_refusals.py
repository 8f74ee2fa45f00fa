"""F-07: both Redis answer, and refuse: too many clients, another password, scripts that they no longer know."""

import json
import re
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from redis import Redis

from tests.faults.both_sides import BothSides, administering
from tests.faults.conftest import RowOf
from tests.faults.experiment import Experiment
from tests.faults.house import House
from tests.faults.lines import UNAFFECTED

pytestmark = pytest.mark.faults

REFUSED_S = 2.5
FLUSHES, FLUSH_EVERY_S = 6, 0.4
NOBODY_WAITS_S = 2.0


def throw_out(client: Redis) -> None:
    """End every connection but the administrator's: what was let in before would stay in."""
    client.client_kill_filter(_type="normal", skipme=True)


@contextmanager
def full(clients: list[Redis]) -> Iterator[None]:
    before = str(clients[0].config_get("maxclients")["maxclients"])
    for client in clients:
        client.config_set("maxclients", 1)
        throw_out(client)
    yield
    for client in clients:
        client.config_set("maxclients", before)


@contextmanager
def locked(clients: list[Redis]) -> Iterator[None]:
    for client in clients:
        client.config_set("requirepass", secrets.token_hex(16))
        throw_out(client)
    yield
    for client in clients:
        client.config_set("requirepass", "")


def alarms(house: House, system: BothSides) -> Counter[str]:
    """Count what the servers logged as the reason why they stopped asking a store."""
    lines = "\n".join(house.log(server.name) for server in system.servers).splitlines()
    opened = [json.loads(line) for line in lines if re.search(r'"event": "redis.circuit_opened"', line)]
    return Counter(entry["error"] for entry in opened)


def test_a_store_that_refuses_is_a_store_that_is_away(house: House, row_of: RowOf) -> None:
    system = BothSides(house)
    with administering(system.stores) as clients, row_of(
        "F-07", "Redis refuses",
        injected=f"maxclients 1, and a new password, on both Redis for {REFUSED_S:g} s each, every connection ended at "
        f"its beginning; SCRIPT FLUSH {FLUSHES} times, each {FLUSH_EVERY_S:g} s",
        promise="whoever needs the store answers 503 and logs why, everybody else notices nothing; recovery without a "
        "restart; a flush of the scripts costs nobody an answer",
    ) as row:  # fmt: skip
        for name, refusing in (("maxclients", full), ("requirepass", locked)):
            before = alarms(house, system)
            experiment = Experiment(name, system.lines(), system.servers, recovers_within_s=2.0)
            with experiment.running(warm_s=1, after_s=2.5), experiment.fault(), refusing(clients):
                time.sleep(REFUSED_S)
            row.runs.append(experiment.measured)
            assert experiment.measured.worst_s < NOBODY_WAITS_S
            assert experiment.measured.verdicts["redis-session"].outcomes["503"]
            logged = alarms(house, system) - before
            assert logged, "somebody must be told"
            row.notes.append(f"{name}: the servers stopped asking, and logged {dict(logged)}")
        refused = [client.info("stats")["rejected_connections"] for client in clients]
        assert all(refused)
        row.notes.append(f"{sum(refused)} connections were refused by maxclients")
        row.runs.append(flushed(system, clients).measured)
        lost = sum(len(verdict.failures) for verdict in row.runs[-1].verdicts.values())
        row.notes.append(f"scripts flushed {FLUSHES} times: {lost} requests failed")


def flushed(system: BothSides, clients: list[Redis]) -> Experiment:
    lines = system.lines(reads_may=UNAFFECTED, writes_may=UNAFFECTED)
    experiment = Experiment("SCRIPT FLUSH", lines, system.servers)
    with experiment.running(warm_s=1, after_s=1), experiment.fault():
        for _ in range(FLUSHES):
            for client in clients:
                client.script_flush()
            time.sleep(FLUSH_EVERY_S)
    return experiment
