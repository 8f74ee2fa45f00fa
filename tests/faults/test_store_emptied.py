"""F-11: both Redis lose all that they know, at once and by a restart; what was revoked must stay so."""

import time
from collections.abc import Callable, Sequence

import pytest
from redis import Redis

from lab.processes import ServerProcess
from tests.attacks.wire import call, call_json
from tests.faults.both_sides import BothSides
from tests.faults.conftest import RowOf
from tests.faults.experiment import Experiment, Guarded
from tests.faults.house import House
from tests.faults.lines import REFUSES, logins, reads, refreshes
from tests.faults.oracle import End
from tests.faults.people import Credential, log_in

pytestmark = pytest.mark.faults

REVOKED = 10
PUSHED_WITHIN_S = 1.0
ANEW_WITHIN_S = 8.0
LOST_S = 2.0


def flush(system: BothSides) -> None:
    for store in system.stores:
        with Redis(port=store.port) as client:
            client.flushall()


def restart_empty(system: BothSides) -> None:
    for store in system.stores:
        store.kill()
    for store in system.stores:
        store.restart()
        store.wait_ready()


def end(server: ServerProcess, credentials: Sequence[Credential]) -> dict[str, End]:
    """Log people out; return when that was asked for and when it was acknowledged."""
    ends = {}
    for one in credentials:
        asked_s = time.monotonic()
        proof = [("X-CSRF-Token", header.partition(": ")[2]) for header in one.logout_headers]
        assert 204 == call(server.port, "POST", "/logout", [one.header_field, *proof]).status
        ends[one.caller] = End(asked_s, time.monotonic())
    return ends


def lines(system: BothSides, tokens: list[Credential], cookies: list[Credential]) -> list[Guarded]:
    revoked, living = tokens[:REVOKED], tokens[REVOKED:]
    return [
        *system.readers(living, cookies, REFUSES),
        reads("revoked, denylisted-jwt", system.denylisted, revoked, 20, may_fail=REFUSES),
        reads("revoked, introspected-token", system.introspected, revoked, 20, may_fail=REFUSES),
        reads("revoked, pushed-jwt", system.pushed, revoked, 20, may_fail=REFUSES, stale_s=PUSHED_WITHIN_S),
        refreshes("refresh", system.auth, living, 5, may_fail=REFUSES),
        logins("token login", system.auth, "root", 3, may_fail=REFUSES),
        logins("session login", system.redis_session, "root", 3, may_fail=REFUSES),
    ]


def soon(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + ANEW_WITHIN_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def take_in_anew(system: BothSides) -> float:
    """Log alice in on both sides; return how long it took until every server served her."""
    began_s = time.monotonic()
    sides = [
        (system.auth, (system.plain, system.denylisted, system.pushed, system.introspected)),
        (system.redis_session, (system.redis_session, system.tracked)),
    ]
    password = {"username": "alice", "password": "alice-demo-password"}
    for issuer, servers in sides:
        soon(lambda issuer=issuer: call_json(issuer.port, "POST", "/login", password).status == 200)  # type: ignore[misc] # a loop's value
        (alice,) = log_in(issuer, "alice")
        for server in servers:
            soon(lambda server=server, alice=alice: status_of(server, alice) == 200)  # type: ignore[misc] # as above
    return time.monotonic() - began_s


def status_of(server: ServerProcess, credential: Credential) -> int:
    return call(server.port, "GET", "/me", [credential.header_field]).status


def test_a_store_that_forgot_brings_nothing_back(house: House, row_of: RowOf) -> None:
    system = BothSides(house)
    with row_of(
        "F-11", "Redis emptied",
        injected="FLUSHALL on both Redis; SIGKILL to both and a restart without data; logins and revocations lost",
        promise="what was revoked is never accepted again, though the store has forgotten it; whoever was logged in is "
        "refused cleanly (401, for a refresh invalid_grant) or told to come back, and logs in anew at once",
    ) as row:  # fmt: skip
        for name, empty in (("FLUSHALL", flush), ("empty restart", restart_empty)):
            tokens, cookies = system.people(15)
            revoked = end(system.auth, tokens[:REVOKED])
            experiment = Experiment(name, lines(system, tokens, cookies), system.servers, recovers_within_s=3.0)
            experiment.ends |= revoked
            with experiment.running(warm_s=1, after_s=1.5), experiment.fault():
                began_s = time.monotonic()
                empty(system)
                lost = End(began_s, time.monotonic())
                experiment.ends |= {one.caller: lost for one in (*tokens[REVOKED:], *cookies)}
                anew_s = take_in_anew(system)
                time.sleep(LOST_S)
            row.runs.append(experiment.measured)
            row.notes += findings(experiment, anew_s)


def findings(experiment: Experiment, anew_s: float) -> list[str]:
    """Tell what became of those that the store forgot."""
    verdicts = experiment.measured.verdicts
    name = experiment.measured.name
    assert {"200": verdicts["plain-jwt"].requests} == verdicts["plain-jwt"].outcomes
    assert verdicts["refresh"].outcomes["400"] > 0
    assert all(verdicts[line].outcomes["401"] for line in ("denylisted-jwt", "redis-session", "tracked-session"))
    revoked = [verdict for line, verdict in verdicts.items() if line.startswith("revoked")]
    asked = sum(verdict.requests for verdict in revoked)
    refused = sum(verdict.outcomes["401"] + verdict.outcomes["503"] for verdict in revoked)
    return [
        f"{name}: {refused} of {asked} requests with revoked tokens were refused",
        f"{name}: {verdicts['refresh'].outcomes['400']} refreshes were refused with invalid_grant",
        f"{name}: a new login was served by every server {anew_s:.2f} s after the store was back",
    ]
