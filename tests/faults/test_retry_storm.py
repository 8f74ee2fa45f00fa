"""F-18: a thousand clients that retry at once, without a pause, while Redis is away and when it comes back."""

import time
from dataclasses import replace

import pytest

from tests.faults.conftest import RowOf
from tests.faults.experiment import Experiment, Guarded
from tests.faults.house import LASTING, House
from tests.faults.lines import REFUSES, reads
from tests.faults.people import log_in_all

pytestmark = pytest.mark.faults

CLIENTS = 1000
RATE = 300.0
"""Of fresh requests, of all clients together: well below what the servers can do."""
AWAY_S = 4.0
RECOVERS_WITHIN_S = 4.0
SETTLED_S = 6.0


def naive(guarded: Guarded, clients: int, rate: float) -> Guarded:
    """Have many clients, each of which asks now and then, and asks again at once until it has its answer."""
    shots = guarded.line.shots * (clients // len(guarded.line.shots))
    return replace(guarded, line=replace(guarded.line, kind="insistent", shots=shots, rate=rate))


class System:
    """A server of each side on one Redis; half of the clients ask one, half the other."""

    def __init__(self, house: House) -> None:
        self.redis = house.redis("redis", *LASTING)
        auth = house.auth(self.redis.url)
        denylisted = house.resource("denylisted-jwt", RESOURCE_REDIS_URL=self.redis.url)
        sessions = house.session("redis-session", self.redis.url)
        house.ready()
        self.servers = [auth, denylisted, sessions]
        self._asked = [(denylisted, log_in_all(auth, 25)), (sessions, log_in_all(sessions, 25))]

    def lines(self) -> list[Guarded]:
        calm = [reads(f"patient, {one.name}", one, who, 10, may_fail=REFUSES) for one, who in self._asked]
        hasty = [reads(f"naive, {one.name}", one, who, 1, may_fail=REFUSES) for one, who in self._asked]
        return [*calm, *(naive(line, CLIENTS // len(hasty), RATE / len(hasty)) for line in hasty)]


def test_a_thousand_naive_clients_do_not_keep_the_system_down(house: House, row_of: RowOf) -> None:
    system = System(house)
    with row_of(
        "F-18", "Retry storm",
        injected=f"{CLIENTS} clients, {RATE:g} fresh requests per second in all, each sent again at once, without a "
        f"pause and for ever, until it is served; SIGKILL to Redis, which comes back after {AWAY_S:g} s",
        promise="503 with Retry-After while Redis is away; then every client is served, the storm is over within "
        f"{RECOVERS_WITHIN_S:g} s and does not come back: nothing fails after that",
    ) as row:  # fmt: skip
        experiment = Experiment("Redis killed", system.lines(), system.servers, recovers_within_s=RECOVERS_WITHIN_S)
        with experiment.running(warm_s=3, after_s=SETTLED_S):
            with experiment.fault():
                system.redis.kill()
                time.sleep(AWAY_S)
                system.redis.restart()
                system.redis.wait_ready()
            healed_s = time.monotonic()
        row.runs.append(experiment.measured)
        storm = [record for record in experiment.records if healed_s - 1 < record.sent_s < healed_s]
        settled = [record for record in experiment.records if record.asked_s > healed_s + RECOVERS_WITHIN_S]
        assert {"200"} == {record.outcome for record in settled}
        assert len(storm) > 2 * RATE, "it was a storm"
        row.notes.append(
            f"{len(storm)} requests in the last second without Redis, {RATE + 20:g} in a calm one; "
            f"the last refusal left {experiment.measured.recovery_s:.2f} s after Redis was back"
        )
