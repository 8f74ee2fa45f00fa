"""F-30: one refresh token at two auth servers at once, and one of them dies between its commit and its answer."""

import secrets
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest
from redis import Redis

from core import redis_keys
from lab.fault_proxy_client import FaultProxy
from lab.processes import ServerProcess
from tests.attacks.forge import parts
from tests.attacks.wire import Answer, NoAnswer, call
from tests.faults.conftest import RowOf
from tests.faults.experiment import Experiment
from tests.faults.house import House
from tests.faults.lines import REFUSES, reads, refreshes
from tests.faults.people import Credential, log_in, log_in_all

pytestmark = pytest.mark.faults

ROUNDS = 3
FAMILIES = 19
"""An odd number: each comes to the other server with its next request, so no retry waits for a dead one for long."""
AT_ONCE = 8
COMMITS_WITHIN_S = 1.0
HELD_MS = 5_000.0
"""Longer than an auth server waits for Redis: while replies are held it never says yes."""
LOST = frozenset({"refused", "reset", "closed", "timeout"})


@dataclass(frozen=True, slots=True)
class Pair:
    """Two auth servers on one Redis; the replies to the first can be held."""

    store: Redis
    proxy: FaultProxy
    dying: ServerProcess
    living: ServerProcess
    pool: ThreadPoolExecutor

    def refresh(self, server: ServerProcess, token: str) -> Answer | None:
        """Use a refresh token; return None when the connection was lost."""
        form = urlencode({"grant_type": "refresh_token", "client_id": "authlab-web", "refresh_token": token})
        kind = [("Content-Type", "application/x-www-form-urlencoded")]
        try:
            return call(server.port, "POST", "/oauth/token", kind, form.encode())
        except (NoAnswer, ConnectionError):
            return None

    def open_connections(self) -> None:
        """Have the first server open several connections to Redis: with replies held, no new one could be opened."""
        unknown = [secrets.token_urlsafe(32) for _ in range(2 * AT_ONCE)]
        assert 2 * AT_ONCE == len(list(self.pool.map(lambda token: self.refresh(self.dying, token), unknown)))

    def is_used_soon(self, token: str) -> bool:
        """Tell whether the store notes a use of a refresh token before an auth server would have given up."""
        deadline = time.monotonic() + COMMITS_WITHIN_S
        while time.monotonic() < deadline:
            pointer = self.store.get(redis_keys.refresh(redis_keys.hashed(token)))
            if pointer is not None and b" " in pointer:
                return True
        return False

    def tokens_of(self, sid: str) -> int:
        """Return how many refresh tokens of a login the store knows, used ones included."""
        names = list(self.store.scan_iter(redis_keys.refresh("*"), count=1000))
        return sum(value is not None and value.split()[0] == sid.encode() for value in self.store.mget(names))


def test_one_refresh_token_has_one_successor_whoever_dies(house: House, row_of: RowOf) -> None:
    store = house.redis("redis-auth")
    proxy = house.proxy(store.port)
    dying = house.auth(f"redis://127.0.0.1:{proxy.port}/0", name="auth-1")
    living = house.auth(store.url, name="auth-2")
    pushed = house.resource("pushed-jwt", RESOURCE_REDIS_URL=store.url)
    house.ready()
    tokens = log_in_all(living, 20)
    lines = [
        refreshes("refresh at both", [dying, living], tokens[:FAMILIES], 10, may_fail=REFUSES | LOST),
        reads("pushed-jwt", pushed, tokens[FAMILIES:], 20, stale_s=5),
    ]
    with row_of(
        "F-30", "One refresh token at two auth servers, one dies after its commit",
        injected=f"{ROUNDS} times: replies from Redis to one auth server are held, a refresh token is used there (and "
        "in every other round at the second server at the same moment), and once it is committed the first server is "
        "killed (SIGKILL); the client tries again at the second server",
        promise="one successor, whichever server answers within the 10 s of grace; no second family, and none is ended "
        "for reuse",
    ) as row, Redis(port=store.port) as redis, ThreadPoolExecutor(AT_ONCE) as pool:  # fmt: skip
        pair = Pair(redis, proxy, dying, living, pool)
        experiment = Experiment("auth server killed after commit", lines, [dying, living, pushed])
        with experiment.running(warm_s=1, after_s=1), experiment.fault():
            silent = 0
            for number in range(ROUNDS):
                [credential] = log_in(living, "root")
                silent += killed_after_commit(pair, credential, at_both=bool(number % 2))
        row.runs.append(experiment.measured)
        assert silent > 0, "no server died between its commit and its answer"
        row.notes.append(f"in {silent} of {ROUNDS} rounds the server died before it answered anything")
        assert 0 == house.log("auth-2").count('"refresh.reused"'), "the load was not taken for a thief either"


def killed_after_commit(pair: Pair, credential: Credential, *, at_both: bool) -> bool:
    """Do one round; tell whether the server died without a word. Afterwards it is back and serves."""
    token = credential.refresh_token
    pair.open_connections()
    pair.proxy.delay(to_client_ms=HELD_MS)
    doomed = pair.pool.submit(pair.refresh, pair.dying, token)
    rival = pair.pool.submit(pair.refresh, pair.living, token) if at_both else None
    committed = pair.is_used_soon(token)
    pair.dying.kill()
    pair.proxy.heal()
    lost = doomed.result(timeout=10)
    assert lost is None or 503 == lost.status, lost
    check_successor(pair, credential, rival)
    pair.dying.start()
    pair.dying.wait_ready()
    return committed and lost is None


def check_successor(pair: Pair, credential: Credential, rival: "Future[Answer | None] | None") -> None:
    """Try again at the other server: its answer, the rival's and the next retry's are of one family."""
    answers = [pair.refresh(pair.living, credential.refresh_token) for _ in range(2)]
    if rival is not None:
        answers.append(rival.result(timeout=10))
    bodies = [answered(answer) for answer in answers]
    [successor] = {body["refresh_token"] for body in bodies}
    sids = {parts(body["access_token"])[1]["sid"] for body in bodies}
    assert {parts(credential.access_token)[1]["sid"]} == sids, "no second family"
    assert 2 == pair.tokens_of(sids.pop()), "the first token and one successor"
    assert answered(pair.refresh(pair.living, successor))["refresh_token"] != successor, "the family lives on"


def answered(answer: Answer | None) -> dict[str, str]:
    """Return the body of a success."""
    assert answer is not None
    assert 200 == answer.status, answer
    return dict(answer.json())
