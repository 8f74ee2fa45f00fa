"""F-29: entries of the feed of revocations come twice, in the wrong order, or not at all.

The product's own script revokes; in the same transaction its entries are changed, so that no follower sees them as
they were.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from redis import Redis

from auth_server.logins import _SCRIPTS
from core import redis_keys
from lab.processes import ServerProcess
from tests.attacks.forge import parts
from tests.attacks.wire import bearer, call
from tests.faults.conftest import RowOf
from tests.faults.counters import counted
from tests.faults.experiment import Experiment
from tests.faults.house import House
from tests.faults.lines import reads
from tests.faults.oracle import End
from tests.faults.people import Credential, log_in_all
from tests.faults.workers import wait_until

pytestmark = pytest.mark.faults

STALE_S = 5
"""`RESOURCE_FEED_MAX_STALE_S`: the bound within which a gap must be noticed."""
PAIRS = 4
TOGETHER = 2
"""Tokens that are revoked in one transaction."""

Disorder = Callable[[Any], None]
_LAST = "redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 2)"


def twice(pipeline: Any) -> None:
    """Append both entries once more, with the numbers that they have."""
    pipeline.eval(
        f"""local last = {_LAST}
        for number = 2, 1, -1 do redis.call('XADD', KEYS[1], '*', unpack(last[number][2])) end""",
        1, redis_keys.REVOCATION_STREAM,
    )  # fmt: skip


def wrong_order(pipeline: Any) -> None:
    """Put the later entry before the earlier one."""
    pipeline.eval(
        f"""local last = {_LAST}
        redis.call('XDEL', KEYS[1], last[1][1], last[2][1])
        for number = 1, 2 do redis.call('XADD', KEYS[1], '*', unpack(last[number][2])) end""",
        1, redis_keys.REVOCATION_STREAM,
    )  # fmt: skip


def one_lost(pipeline: Any) -> None:
    """Lose the earlier of the two."""
    pipeline.eval(f"redis.call('XDEL', KEYS[1], {_LAST}[2][1])", 1, redis_keys.REVOCATION_STREAM)


def both_lost(pipeline: Any) -> None:
    """Lose both: nothing at all comes that could tell of a gap."""
    pipeline.eval(
        f"local last = {_LAST} redis.call('XDEL', KEYS[1], last[1][1], last[2][1])", 1, redis_keys.REVOCATION_STREAM
    )


def test_a_feed_in_disorder_is_put_right(house: House, row_of: RowOf) -> None:
    store = house.redis("redis-auth")
    auth = house.auth(store.url)
    pushed = house.resource("pushed-jwt", RESOURCE_REDIS_URL=store.url, RESOURCE_FEED_MAX_STALE_S=str(STALE_S))
    house.ready()
    with row_of(
        "F-29", "Feed entries duplicated, reordered, lost",
        injected=f"{PAIRS} times two revocations, whose entries in the stream are repeated, swapped, or deleted (one, "
        "or both) in the transaction that writes them",
        promise="repeats change nothing; a missing number is noticed within RESOURCE_FEED_MAX_STALE_S and a snapshot "
        "taken; every revoked token is refused from then on, and no other",
    ) as row, Redis(port=store.port) as redis:  # fmt: skip
        for disorder, needs_snapshots in ((twice, False), (wrong_order, True), (one_lost, True), (both_lost, True)):
            name = disorder.__name__.replace("_", " ")
            tokens = log_in_all(auth, 10)
            experiment = Experiment(name, [reads("pushed-jwt", pushed, tokens, 60, stale_s=STALE_S)], [pushed, auth])
            before = disturbances(house), counted(pushed, "authlab_revocation_marks")
            with experiment.running(warm_s=0.5, after_s=0.5), experiment.fault():
                took = []
                for at in range(0, PAIRS * TOGETHER, TOGETHER):
                    known = events(house, "snapshot")
                    took.append(revoke(redis, pushed, tokens[at : at + TOGETHER], disorder, experiment))
                    if needs_snapshots:
                        wait_for_snapshot(house, known)
            row.runs.append(experiment.measured)
            taken = disturbances(house) - before[0]
            assert PAIRS * TOGETHER == counted(pushed, "authlab_revocation_marks") - before[1]
            assert taken <= 2 * PAIRS if needs_snapshots else taken <= 0, "repeats are no gap, and a gap is one once"
            row.notes.append(f"{name}: refused at most {max(took):.2f} s after the revocation; {taken} snapshots")


def revoke(
    redis: Redis, pushed: ServerProcess, tokens: Sequence[Credential], disorder: Disorder, experiment: Experiment
) -> float:
    """Revoke tokens with the product's own script and disturb its entries; return how long until both are refused."""
    asked_s = time.monotonic()
    pipeline = redis.pipeline(transaction=True)
    for token in tokens:
        _, claims, _ = parts(token.access_token)
        pipeline.eval(_SCRIPTS["revoke_token"], 0, secrets.token_hex(8), claims["jti"], round(claims["exp"] * 1000))
    disorder(pipeline)
    pipeline.execute()
    acknowledged_s = time.monotonic()
    for token in tokens:
        experiment.ends[token.caller] = End(asked_s, acknowledged_s)
    wait_until(lambda: all(is_refused(pushed, token) for token in tokens), within_s=STALE_S + 1.0)
    return time.monotonic() - acknowledged_s


def is_refused(pushed: ServerProcess, token: Credential) -> bool:
    return call(pushed.port, "GET", "/me", bearer(token.access_token)).status == 401


def wait_for_snapshot(house: House, known: int) -> None:
    """Return once there is another."""
    wait_until(lambda: events(house, "snapshot") > known, within_s=STALE_S + 1.0)


def disturbances(house: House) -> int:
    """Return how many snapshots were taken because of the entries, and not because the machine was too slow."""
    return events(house, "snapshot") - events(house, "interrupted")


def events(house: House, name: str) -> int:
    """Return how often the server has told of something about its feed."""
    return house.log("pushed-jwt").count(f'"event": "feed.{name}"')
