"""F-05: a thousand clients hang up while their request waits for Redis."""

import asyncio
import random
import secrets
import time
from collections import Counter
from itertools import product

import pytest

from core.redis_link import MAX_CONNECTIONS
from tests.attacks.wire import call, request_bytes
from tests.faults.both_sides import BothSides
from tests.faults.conftest import RowOf
from tests.faults.crowd import all_at_once, hang_up_on
from tests.faults.experiment import Experiment
from tests.faults.house import House
from tests.faults.lines import logins
from tests.faults.load.traffic import refresh_request
from tests.faults.people import Credential

pytestmark = pytest.mark.faults

CLIENTS, PER_SECOND = 1000, 250.0
LOGINS, REFRESHES = 50, 20
STAY_S = (0.001, 0.05)
ROUND_TRIP_MS = 60.0
LENDING_ROUND_TRIP_MS = 150.0
"""Longer than anyone waits for a connection (0.1 s): of those who come at once, one is served by each connection."""
TRIES = 12


def storm(system: BothSides, tokens: list[Credential], cookies: list[Credential]) -> list[tuple[int, bytes]]:
    """Return what is asked for and not waited for: reads and logins in any order, then refreshes."""
    readers = [*product((system.denylisted, system.introspected), tokens)]
    readers += product((system.redis_session, system.tracked), cookies)
    asked = [
        (server.port, request_bytes("GET", "/me", [one.header_field]))
        for server, one in random.choices(readers, k=CLIENTS - LOGINS - REFRESHES)
    ]
    login = logins("", system.auth, "root", 1).line.shots[0].raw.encode()
    asked += [(server.port, login) for server in random.choices((system.auth, system.redis_session), k=LOGINS)]
    random.shuffle(asked)
    return asked + [(system.auth.port, refresh_request(one.refresh_token)) for one in tokens[:REFRESHES]]


def read_canaries(system: BothSides, tokens: list[Credential], cookies: list[Credential]) -> int:
    """Read with each credential at each server; return how many found their own data, which all do."""
    token_servers = (system.plain, system.denylisted, system.pushed, system.introspected)
    readers = [*product(token_servers, tokens), *product((system.redis_session, system.tracked), cookies)]
    for server, one in readers:
        answer = call(server.port, "GET", "/me", [one.header_field])
        assert (200, one.subject) == (answer.status, answer.json().get("sub")), server.name
    return len(readers)


def lent_at_once(port: int, request: bytes) -> int:
    """Return how many of those who come at one moment, a few too many, a server can lend a connection.

    A busy machine makes some come too late: it is tried again until the count is that of the whole pool.
    """
    for _ in range(TRIES):
        answers = asyncio.run(all_at_once(port, [request] * (MAX_CONNECTIONS + 8)))
        statuses = Counter(answer.status for answer in answers)
        assert set(statuses) <= {200, 400, 503}, statuses
        lent = statuses[200] + statuses[400]
        if lent == MAX_CONNECTIONS:
            break
        time.sleep(0.5)
    return lent


def test_whoever_hangs_up_takes_no_connection_along(house: House, row_of: RowOf) -> None:
    system = BothSides(house)
    with row_of(
        "F-05", "Clients hang up mid-request",
        injected=f"{CLIENTS} clients, {PER_SECOND:g} a second, send a read, a login or a refresh and hang up "
        f"{STAY_S[0] * 1000:g} to {STAY_S[1] * 1000:g} ms later, half of them with a reset, while each reply of both "
        f"Redis takes {ROUND_TRIP_MS:g} ms",
        promise="whoever stays is served, and as himself; no connection to Redis is lost to those who left; what "
        "they began is whole: a refresh that nobody waited for can be repeated",
    ) as row:  # fmt: skip
        tokens, cookies = system.people(15)
        experiment = Experiment("a thousand hang up", system.lines(), system.servers, recovers_within_s=2.0)
        with experiment.running(warm_s=1, after_s=1), experiment.fault():
            for proxy in system.proxies:
                proxy.delay(to_client_ms=ROUND_TRIP_MS)
            waiting = storm(system, tokens, cookies)
            answered = asyncio.run(hang_up_on(waiting, per_second=PER_SECOND, stay_s=STAY_S))
            for proxy in system.proxies:
                proxy.heal()
        row.runs.append(experiment.measured)
        row.notes.append(f"{CLIENTS - answered} of {CLIENTS} clients left without an answer")
        for one in tokens[:REFRESHES]:
            assert 200 == asyncio.run(all_at_once(system.auth.port, [refresh_request(one.refresh_token)]))[0].status
        row.notes.append(f"{REFRESHES} refreshes that nobody waited for were repeated and served")
        row.notes.append(f"{read_canaries(system, tokens, cookies)} reads afterwards, all of them the reader's own")
        row.notes += pools(system, cookies[0])


def pools(system: BothSides, cookie: Credential) -> list[str]:
    """Show for each pool that nothing of it is in use any more: all of it can be lent at one moment."""
    for proxy in system.proxies:
        proxy.delay(to_client_ms=LENDING_ROUND_TRIP_MS)
    listing = request_bytes("GET", "/sessions", [cookie.header_field])
    lent = {
        "auth": lent_at_once(system.auth.port, refresh_request(secrets.token_urlsafe(32))),
        "redis-session": lent_at_once(system.redis_session.port, listing),
        "tracked-session": lent_at_once(system.tracked.port, listing),
    }
    for proxy in system.proxies:
        proxy.heal()
    assert dict.fromkeys(lent, MAX_CONNECTIONS) == lent
    return [
        f"{server}: {number} of {MAX_CONNECTIONS} connections lent at one moment" for server, number in lent.items()
    ]
