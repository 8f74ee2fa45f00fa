"""F-28: a resource server is cut off from the feed of revocations, and tokens are revoked meanwhile."""

import time
from collections.abc import Sequence

import pytest

from lab.fault_proxy_client import FaultProxy
from lab.processes import ServerProcess
from tests.attacks.wire import bearer, call
from tests.faults.conftest import RowOf
from tests.faults.counters import counted
from tests.faults.experiment import Experiment
from tests.faults.house import House
from tests.faults.lines import REFUSES, logouts, reads
from tests.faults.load.plan import Record
from tests.faults.oracle import ends_by
from tests.faults.people import Credential, log_in_all
from tests.faults.workers import wait_until

pytestmark = pytest.mark.faults

STALE_S = 2
"""`RESOURCE_FEED_MAX_STALE_S`."""
FAULT_S = 3.5
CATCHES_UP_WITHIN_S = 3.0


def hang(proxy: FaultProxy) -> None:
    proxy.hang()


def reset(proxy: FaultProxy) -> None:
    proxy.refuse()


def test_a_server_cut_off_from_the_feed_serves_for_a_bounded_time_and_then_misses_nothing(
    house: House, row_of: RowOf
) -> None:
    store = house.redis("redis-auth")
    proxy = house.proxy(store.port)
    auth = house.auth(store.url)
    settings = {"RESOURCE_FEED_MAX_STALE_S": str(STALE_S)}
    cut_off = house.resource(
        "pushed-jwt", name="cut-off", RESOURCE_REDIS_URL=f"redis://127.0.0.1:{proxy.port}/0", **settings
    )
    near = house.resource("pushed-jwt", name="near", RESOURCE_REDIS_URL=store.url, **settings)
    house.ready()
    with row_of(
        "F-28", "Partition between resource server and revocation feed",
        injected=f"connections to the feed hang, then are reset and refused, {FAULT_S:g} s each, with logouts going on",
        promise=f"it serves for RESOURCE_FEED_MAX_STALE_S ({STALE_S} s here) and then answers 503; one that has the "
        f"feed notices nothing; within {CATCHES_UP_WITHIN_S:g} s of the end every revocation that was missed is known",
    ) as row:  # fmt: skip
        for name, cut in (("hangs", hang), ("reset", reset)):
            tokens = log_in_all(auth, 40)
            lines = [
                reads("cut off", cut_off, tokens, 80, may_fail=REFUSES, stale_s=STALE_S),
                reads("near", near, tokens, 40, stale_s=STALE_S),
                logouts("logout", auth, tokens[:60], 5),
            ]
            experiment = Experiment(name, lines, [cut_off, near, auth], recovers_within_s=CATCHES_UP_WITHIN_S)
            with experiment.running(warm_s=1, after_s=0.5):
                with experiment.fault():
                    cut(proxy)
                    time.sleep(FAULT_S)
                    lag_s, missing = counted(cut_off, "authlab_revocation_lag_seconds"), missed(cut_off, near)
                    proxy.heal()
                    healed_s = time.monotonic()
                wait_until(lambda: missed(cut_off, near) == 0, within_s=CATCHES_UP_WITHIN_S)
                gap_s = time.monotonic() - healed_s
            row.runs.append(experiment.measured)
            served_s = served_for_s(experiment.records, experiment.measured.began_s, healed_s)
            assert 0 < missing, "there was something to miss"
            assert STALE_S < lag_s, "the lag is told"
            assert served_s < STALE_S + 0.5, "news that old is no longer news"
            row.notes.append(
                f"{name}: it went on serving for {served_s:.2f} s; {missing:.0f} revocations were missed, the lag was "
                f"told as {lag_s:.1f} s; all were known {gap_s:.2f} s after the end"
            )
            ended = ends_by(experiment.records, "logout")
            assert {401} == statuses(cut_off, [one for one in tokens if one.caller in ended])


def missed(cut_off: ServerProcess, near: ServerProcess) -> float:
    """Return how many revocations one server knows that the other does not."""
    return counted(near, "authlab_revocation_marks") - counted(cut_off, "authlab_revocation_marks")


def served_for_s(records: Sequence[Record], began_s: float, healed_s: float) -> float:
    """Return how long into the fault the last request left that was served."""
    served = [one.sent_s for one in records if one.line == "cut off" and one.outcome == "200" and one.sent_s < healed_s]
    return max(served) - began_s


def statuses(server: ServerProcess, tokens: Sequence[Credential]) -> set[int]:
    """Ask once with each token."""
    return {call(server.port, "GET", "/me", bearer(one.access_token)).status for one in tokens}
