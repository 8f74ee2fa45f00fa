"""F-12: the auth server is killed, or frozen, and resource servers are started while it is away."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.processes import ServerProcess
from tests.attacks.wire import bearer, call
from tests.faults.conftest import RowOf
from tests.faults.experiment import Experiment, Guarded
from tests.faults.house import House, introspection_of
from tests.faults.lines import REFUSES, logins, reads, refreshes
from tests.faults.people import Credential, log_in_all

pytestmark = pytest.mark.faults

AWAY_S = 3.0
MAX_STALE_S = 2
NOBODY_THERE = frozenset({"refused", "reset", "closed"})
NO_ANSWER = frozenset({"503", "timeout"})
STARTED_SERVES_WITHIN_S = 10.0
"""A key set is asked for each second; the rest is for a busy machine."""


class System:
    """Two auth servers, one for each kind of key, and resource servers that know both kinds in every way there is."""

    def __init__(self, house: House, directory: Path) -> None:
        self._house = house
        store = house.redis("redis-auth").url
        self.shared = house.auth(store, name="auth-hs256")
        self.signing = house.auth(
            store, name="auth-es256", AUTH_ALGORITHM="ES256", AUTH_KEYS_DIR=str(directory / "keys"),
            AUTH_JWKS_MAX_AGE_S="1",
        )  # fmt: skip
        self.published = {"RESOURCE_JWKS_URL": f"{self.signing.url}/.well-known/jwks.json"}
        self.signing.wait_ready(30)
        self.resources = {
            "shared secret": house.resource("plain-jwt", name="shared-secret"),
            "published keys": house.resource("plain-jwt", name="published-keys", **self.published),
            "published keys, trusted for 2 s": house.resource(
                "plain-jwt", name="published-keys-2s", RESOURCE_JWKS_MAX_STALE_S=str(MAX_STALE_S), **self.published
            ),
            "pushed revocations": house.resource("pushed-jwt", RESOURCE_REDIS_URL=store),
            "introspection": house.resource("introspected-token", **introspection_of(self.shared)),
        }
        house.ready()
        self.tokens, self.signed = log_in_all(self.shared, 20), log_in_all(self.signing, 10)

    @property
    def auth_servers(self) -> list[ServerProcess]:
        return [self.shared, self.signing]

    @property
    def servers(self) -> list[ServerProcess]:
        return [*self.auth_servers, *self.resources.values()]

    def lines(self, families: list[Credential], may_fail: frozenset[str]) -> list[Guarded]:
        return [
            reads("shared secret", self.resources["shared secret"], self.tokens, 40),
            reads("published keys", self.resources["published keys"], self.signed, 40),
            reads(
                "published keys, trusted for 2 s", self.resources["published keys, trusted for 2 s"], self.signed, 20,
                may_fail=REFUSES,
            ),
            reads("pushed revocations", self.resources["pushed revocations"], self.tokens, 30),
            reads("introspection", self.resources["introspection"], self.tokens, 20, may_fail=REFUSES),
            refreshes("refresh", self.shared, families, 5, may_fail=may_fail),
            logins("login", self.shared, "root", 2, may_fail=may_fail),
        ]  # fmt: skip

    def start_two(self, when: str) -> tuple[ServerProcess, ServerProcess]:
        """Start one server that holds its key and one that has to fetch it; return when the first serves."""
        holder = self._house.resource("plain-jwt", name=f"holder-{when}")
        fetcher = self._house.resource("plain-jwt", name=f"fetcher-{when}", **self.published)
        holder.wait_ready(30)
        return holder, fetcher


def kill(server: ServerProcess) -> Callable[[], object]:
    """Kill a server; return what brings it back."""
    server.kill()

    def bring_back() -> None:
        server.start()
        server.wait_ready(30)

    return bring_back


def pause(server: ServerProcess) -> Callable[[], object]:
    """Freeze a server; return what brings it back."""
    server.pause()
    return server.resume


def answer_of(server: ServerProcess, credential: Credential) -> int:
    """Return what a server answers to a token."""
    return call(server.port, "GET", "/me", bearer(credential.access_token)).status


def wait_until_listening(server: ServerProcess) -> None:
    """Return once a server says anything: one without keys listens, and says that it is not ready."""
    deadline = time.monotonic() + 30
    while True:
        try:
            call(server.port, "GET", "/livez")
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, server.last_words()
            time.sleep(0.05)
        else:
            return


def seconds_until_it_serves(server: ServerProcess, credential: Credential) -> float:
    """Return how long it takes until a token is accepted; it is never refused for good meanwhile."""
    began_s = time.monotonic()
    while (status := answer_of(server, credential)) != 200:
        assert 503 == status
        assert time.monotonic() - began_s < STARTED_SERVES_WITHIN_S
        time.sleep(0.02)
    return time.monotonic() - began_s


@pytest.mark.timeout(240)
def test_tokens_go_on_being_verified_and_servers_start_while_the_auth_server_is_away(
    house: House, row_of: RowOf, tmp_path: Path
) -> None:
    system = System(house, tmp_path)
    with row_of(
        "F-12", "Auth server away",
        injected=f"SIGKILL to the auth servers, then SIGSTOP, for {AWAY_S:g} s or more each; meanwhile a resource "
        "server that holds its secret is started, and one that has to fetch its keys",
        promise="whoever holds a key notices nothing, also where it was fetched once; who may trust a fetched set for "
        "2 s only, and introspection, answer 503; a new server with a secret serves at once, one without keys answers "
        "503 until it could fetch them, without a restart",
    ) as row:  # fmt: skip
        faults = (("killed", kill, NOBODY_THERE), ("paused", pause, NO_ANSWER))
        for number, (name, break_it, may_fail) in enumerate(faults):
            families = system.tokens[number * 20 : (number + 1) * 20]
            lines = system.lines(families, may_fail)
            experiment = Experiment(f"auth servers {name}", lines, system.servers, recovers_within_s=3.0)
            with experiment.running(after_s=3):
                with experiment.fault():
                    fetcher = start_servers_meanwhile(system, name, break_it)
                served_s = seconds_until_it_serves(fetcher, system.signed[0])
            row.runs.append(experiment.measured)
            row.notes.append(
                f"{name}: a server that was started without keys served {served_s:.2f} s after the auth server was back"
            )
            assert experiment.measured.verdicts["introspection"].outcomes["503"]
            assert experiment.measured.verdicts["published keys, trusted for 2 s"].outcomes["503"]


def start_servers_meanwhile(
    system: System, name: str, break_it: Callable[[ServerProcess], Callable[[], object]]
) -> ServerProcess:
    """Start resource servers while the auth servers are away, bring these back; return the one that has no keys yet."""
    away_until_s = time.monotonic() + AWAY_S
    bring_back = [break_it(server) for server in system.auth_servers]
    holder, fetcher = system.start_two(name)
    assert 200 == answer_of(holder, system.tokens[0])
    wait_until_listening(fetcher)
    assert 503 == answer_of(fetcher, system.signed[0])
    time.sleep(max(0.0, away_until_s - time.monotonic()))
    for again in bring_back:
        again()
    return fetcher
