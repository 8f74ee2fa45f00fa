"""F-08: both Redis have no room for more, in memory or on disk; they answer reads and refuse writes."""

import time
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

FULL_S = 3.0
SAVED_WITHIN_S = 10.0
NEED_ROOM = ("token login", "session login", "refresh")


@contextmanager
def out_of_memory(_system: BothSides, clients: list[Redis]) -> Iterator[None]:
    for client in clients:
        client.config_set("maxmemory", client.info("memory")["used_memory"] // 2)
    yield
    for client in clients:
        client.config_set("maxmemory", 0)


@contextmanager
def unable_to_save(system: BothSides, clients: list[Redis]) -> Iterator[None]:
    """Put a directory where the snapshot belongs: a Redis that cannot save takes no more writes."""
    obstacles = [store.directory / "dump.rdb" for store in system.stores]
    for obstacle, client in zip(obstacles, clients, strict=True):
        obstacle.mkdir()
        client.config_set("save", "3600 1")
        client.bgsave()
    for client in clients:
        wait_until_saving(client, "err")
    yield
    for obstacle, client in zip(obstacles, clients, strict=True):
        obstacle.rmdir()
        client.bgsave()
    for client in clients:
        wait_until_saving(client, "ok")
        client.config_set("save", "")


def wait_until_saving(client: Redis, status: str) -> None:
    deadline = time.monotonic() + SAVED_WITHIN_S
    while client.info("persistence")["rdb_last_bgsave_status"] != status:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_full_store_is_read_and_throws_nothing_out(house: House, row_of: RowOf) -> None:
    system = BothSides(house)
    with administering(system.stores) as clients, row_of(
        "F-08", "Redis full",
        injected=f"maxmemory half of what both Redis use, noeviction, for {FULL_S:g} s; a snapshot that cannot be "
        f"written, with stop-writes-on-bgsave-error, for {FULL_S:g} s",
        promise="every read is served and stays right; what needs room answers 503; nothing is evicted; afterwards "
        "all goes on",
    ) as row:  # fmt: skip
        for name, without_room in (("memory full", out_of_memory), ("disk full", unable_to_save)):
            experiment = Experiment(name, system.lines(reads_may=UNAFFECTED), system.servers, recovers_within_s=2.0)
            with experiment.running(warm_s=1, after_s=2), experiment.fault(), without_room(system, clients):
                time.sleep(FULL_S)
            row.runs.append(experiment.measured)
            refused = {line: verdict.outcomes["503"] for line, verdict in experiment.measured.verdicts.items()}
            assert all(refused[line] for line in NEED_ROOM), "there was no room"
            told = ", ".join(f"{count} of {line}" for line, count in refused.items() if count)
            row.notes.append(f"{name}: refused with 503 were {told}; every read was served")
        assert [0, 0] == [client.info("stats")["evicted_keys"] for client in clients]
        row.notes.append("0 keys were evicted")
