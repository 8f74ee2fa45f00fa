"""F-24: floods of everything that a server might remember, and a worker that has no memory left."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice

import psutil
import pytest

from lab.processes import ServerProcess
from tests.attacks.forge import b64, thumbprint
from tests.attacks.insider import Insider
from tests.attacks.wire import NoAnswer, bearer, request_bytes
from tests.faults.conftest import RowOf
from tests.faults.counters import counted
from tests.faults.experiment import Experiment
from tests.faults.flood import flood
from tests.faults.house import House
from tests.faults.lines import REFUSES, reads, refreshes
from tests.faults.people import log_in_all
from tests.faults.table import Row
from tests.faults.workers import wait_for_workers, workers_of
from tests.support.environments import ISSUER, shared_secret

pytestmark = pytest.mark.faults

LOST = frozenset({"reset", "closed", "timeout"})
REMEMBERED = 1_200
WAVE = 2_000
"""More than is remembered: what a second wave adds, a hundredth would add, too."""
SMALL_WAVE = 600
GROWTH_MIB = 6.0
ROOM_BYTES = 4 * 1024 * 1024
SECRET = shared_secret()
INSIDER = Insider(ISSUER, thumbprint({"kty": "oct", "k": b64(SECRET)}, ("k", "kty")), SECRET)


def huge_tokens() -> Iterator[bytes]:
    """Yield requests with good tokens, each another, nearly as long as a token may be."""
    while True:
        yield request_bytes("GET", "/me", bearer(INSIDER.sign(payload=INSIDER.claims(more="x" * 2400))))


def unknown_kids() -> Iterator[bytes]:
    """Yield requests with tokens of keys that nobody has, each another."""
    while True:
        yield request_bytes("GET", "/me", bearer(INSIDER.sign(INSIDER.header(kid=secrets.token_hex(16)))))


def unknown_sessions() -> Iterator[bytes]:
    """Yield requests with cookies of sessions that never were."""
    while True:
        yield request_bytes("GET", "/me", [("Cookie", f"session={secrets.token_urlsafe(32)}")])


def unknown_refresh_tokens() -> Iterator[bytes]:
    """Yield requests that use refresh tokens that never were."""
    form_type = [("Content-Type", "application/x-www-form-urlencoded")]
    while True:
        form = f"grant_type=refresh_token&client_id=authlab-web&refresh_token={secrets.token_urlsafe(32)}"
        yield request_bytes("POST", "/oauth/token", form_type, form.encode())


def memory_mib(server: ServerProcess) -> float:
    return float(psutil.Process(server.pid).memory_info().rss / 1024**2)


def test_no_flood_of_anything_takes_more_and_more_memory(house: House, row_of: RowOf) -> None:
    auth, plain, tracked, pair = started(house)
    tokens, cookies = log_in_all(auth, 20), log_in_all(tracked, 10)
    lines = [
        reads("plain-jwt", plain, tokens, 20, may_fail=REFUSES, stale_s=None),
        reads("tracked-session", tracked, cookies, 20, may_fail=REFUSES),
        refreshes("refresh", auth, tokens[30:], 5, may_fail=REFUSES),
    ]
    floods: list[tuple[str, ServerProcess, Callable[[], Iterator[bytes]], int, int]] = [
        ("huge tokens", plain, huge_tokens, WAVE, 200),
        ("unknown kids", plain, unknown_kids, SMALL_WAVE, 401),
        ("unknown sessions", tracked, unknown_sessions, SMALL_WAVE, 401),
        ("unknown refresh tokens", auth, unknown_refresh_tokens, SMALL_WAVE, 400),
    ]
    with row_of(
        "F-24", "Memory exhausted",
        injected=f"two waves of {WAVE} good tokens of 3.5 KiB, all different, to a server that remembers {REMEMBERED}; "
        f"two of {SMALL_WAVE} made-up key ids, sessions and refresh tokens each; then RLIMIT_AS of 4 MiB more than it "
        "has for one of two workers, and such tokens to both",
        promise=f"what is remembered is bounded: the second wave adds less than {GROWTH_MIB:g} MiB; a worker that has "
        "no memory left ends at once and is replaced, and only what was on its connections is lost",
    ) as row:  # fmt: skip
        experiment = Experiment("floods", lines, [plain, tracked, auth])
        with experiment.running(warm_s=1, after_s=1), experiment.fault():
            for name, server, requests, count, status in floods:
                row.notes.append(f"{name}: {two_waves(server, requests, count, status)}")
        row.runs.append(experiment.measured)
        assert REMEMBERED == counted(plain, "authlab_token_cache_entries")
        lines = [reads("plain-jwt of two workers", pair, tokens, 40, may_fail=REFUSES | LOST, stale_s=None)]
        out_of_memory(pair, Experiment("one worker out of memory", lines, [pair]), row)


def started(house: House) -> tuple[ServerProcess, ServerProcess, ServerProcess, ServerProcess]:
    """Start an auth server, a resource server that remembers little, a session server, and two workers."""
    store = house.redis("redis-auth").url
    auth = house.auth(store)
    plain = house.resource("plain-jwt", RESOURCE_TOKEN_CACHE=str(REMEMBERED))
    tracked = house.session("tracked-session", house.redis("redis-sessions").url, SESSION_ACCOUNTS_REDIS_URL=store)
    pair = house.resource("plain-jwt", name="pair", WORKERS="2")
    house.ready()
    return auth, plain, tracked, pair


def two_waves(server: ServerProcess, requests: Callable[[], Iterator[bytes]], count: int, status: int) -> str:
    """Send as much as is remembered, and more; then the same again, which must hardly add to it."""
    held = [memory_mib(server)]
    for _ in range(2):
        statuses = flood(server.port, islice(requests(), count))
        assert {status, 503}.issuperset(statuses), statuses
        held.append(memory_mib(server))
    assert held[2] - held[1] < GROWTH_MIB, held
    return f"{held[0]:.0f} MiB before, {held[1]:.0f} after one wave, {held[2]:.0f} after two"


def out_of_memory(pair: ServerProcess, experiment: Experiment, row: Row) -> None:
    """Leave one worker little room and flood both until it is gone; wait for its successor."""
    with experiment.running(warm_s=1, after_s=1), experiment.fault():
        wait_for_workers(pair)
        victim = workers_of(pair)[0]
        room = victim.memory_info().vms + ROOM_BYTES
        victim.rlimit(psutil.RLIMIT_AS, (room, room))
        began_s = time.monotonic()
        while victim in workers_of(pair):
            assert time.monotonic() - began_s < 20, "a worker without memory stays"
            with suppress(NoAnswer, ConnectionResetError):
                flood(pair.port, islice(huge_tokens(), 200))
        ended_s = time.monotonic()
        wait_for_workers(pair)
        back_s = time.monotonic() - ended_s
    row.runs.append(experiment.measured)
    lost = sum(len(verdict.failures) for verdict in experiment.measured.verdicts.values())
    row.notes.append(
        f"the worker out of memory ended, its successor served {back_s:.1f} s later; {lost} requests "
        "of the load were lost"
    )
