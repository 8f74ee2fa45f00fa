"""F-31: one node of several was given wrong settings: it does not start, or it takes nobody for somebody."""

import os
from collections.abc import Mapping, Sequence

import pytest

from core.keys import audience_secret
from core.strict_json import base64url_bytes, base64url_text
from lab.processes import ServerProcess
from tests.attacks.wire import NoAnswer, call
from tests.faults.conftest import RowOf
from tests.faults.experiment import Experiment, Guarded
from tests.faults.house import House, introspection_of
from tests.faults.lines import REFUSES, logins, logouts, reads, refreshes
from tests.faults.people import Credential, log_in, log_in_all
from tests.faults.workers import wait_until
from tests.support.environments import (
    AUDIENCE,
    OTHER_AUDIENCE,
    auth_environment,
    resource_environment,
    session_environment,
)

pytestmark = pytest.mark.faults

WRONG_SETTINGS = 2
"""The exit code."""
ANOTHER_MASTER = base64url_text(os.urandom(32))
ANOTHER_SECRET = base64url_text(audience_secret(base64url_bytes(ANOTHER_MASTER), AUDIENCE))
WEAK = base64url_text(b"short")
REFUSED: Mapping[str, tuple[str, dict[str, str], str]] = {
    "weak-secret": ("resource_server", resource_environment(RESOURCE_SHARED_SECRET=WEAK), "RESOURCE_SHARED_SECRET"),
    "no-secret": ("resource_server", resource_environment(RESOURCE_SHARED_SECRET=""), "RESOURCE_SHARED_SECRET"),
    "no-feed": ("resource_server", resource_environment("pushed-jwt"), "RESOURCE_REDIS_URL"),
    "weak-master": ("auth_server", auth_environment(AUTH_MASTER_SECRET=WEAK), "AUTH_MASTER_SECRET"),
    "no-issuer": ("auth_server", auth_environment(AUTH_ISSUER="auth"), "AUTH_ISSUER"),
    "no-session-store": ("session_server", session_environment(), "SESSION_REDIS_URL"),
}
"""What does not start: the program, its environment, and the setting that it must name."""


class System:
    """The nodes that are as they should be."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.token_store, self.session_store = house.redis("redis-auth").url, house.redis("redis-sessions").url
        self.auth = house.auth(self.token_store)
        self.plain = house.resource("plain-jwt")
        self.pushed = house.resource("pushed-jwt", RESOURCE_REDIS_URL=self.token_store)
        self.sessions = house.session("redis-session", self.session_store, SESSION_ACCOUNTS_REDIS_URL=self.token_store)
        house.ready()

    @property
    def servers(self) -> list[ServerProcess]:
        return [self.auth, self.plain, self.pushed, self.sessions]

    def wrong_verifiers(self) -> list[ServerProcess]:
        """Start nodes that should not recognise anybody; each differs from a good one by one setting."""
        asks = introspection_of(self.auth) | {"RESOURCE_CLIENT_SECRET": "not-the-secret"}
        resource, house = self.house.resource, self.house
        return [
            resource("plain-jwt", name="wrong-key", RESOURCE_SHARED_SECRET=ANOTHER_SECRET),
            resource("plain-jwt", name="wrong-audience", RESOURCE_AUDIENCE=OTHER_AUDIENCE),
            resource("plain-jwt", name="wrong-issuer", RESOURCE_ISSUER="http://127.0.0.1:1"),
            resource("pushed-jwt", name="wrong-feed", RESOURCE_REDIS_URL=self.session_store),
            resource("introspected-token", name="wrong-client", **asks),
            house.session("redis-session", self.token_store, name="wrong-session-store"),
        ]

    def wrong_issuers(self) -> list[ServerProcess]:
        """Start auth servers whose tokens nobody should take."""
        auth, store = self.house.auth, self.token_store
        return [
            auth(store, name="wrong-master", AUTH_MASTER_SECRET=ANOTHER_MASTER),
            auth(store, name="wrong-own-issuer", AUTH_ISSUER="http://127.0.0.1:1"),
            auth(store, name="wrong-audiences", AUTH_AUDIENCES="elsewhere"),
        ]


def test_a_node_with_wrong_settings_takes_nobody_for_somebody(house: House, row_of: RowOf) -> None:
    system = System(house)
    tokens, cookies = log_in_all(system.auth, 20), log_in_all(system.sessions, 20)
    foreign = log_in(system.auth, "root", audience=OTHER_AUDIENCE)
    with row_of(
        "F-31", "One node is given wrong settings",
        injected="nodes beside good ones under load, each with one wrong setting: a weak or missing secret, no store; "
        "another key, audience, issuer, store or client secret; auth servers with another master, issuer or audience",
        promise="it refuses to start, with exit code 2 and the name of the setting, or it accepts nobody; nobody "
        "accepts its tokens; the other nodes accept and refuse as ever",
    ) as row:  # fmt: skip
        experiment = Experiment("wrong settings", lines_on(system, tokens, cookies), system.servers)
        with experiment.running(warm_s=1, after_s=1), experiment.fault():
            check_refused_starts(house)
            told = {}
            for server in answering(system.wrong_verifiers()):
                told[server.name] = statuses(server, [tokens[-1], cookies[-1], *foreign])
            for server in answering(system.wrong_issuers()):
                [minted] = log_in(server, "root")
                told[server.name] = statuses(system.plain, [minted]) | statuses(system.pushed, [minted])
        row.runs.append(experiment.measured)
        assert {} == {name: got for name, got in told.items() if not {401, 503}.issuperset(got)}
        row.notes.append(f"did not start: {', '.join(REFUSED)}")
        row.notes += [f"{name}: answers {' and '.join(map(str, sorted(got)))}" for name, got in told.items()]
        shed = sum(len(verdict.failures) for verdict in experiment.measured.verdicts.values())
        assert shed < 0.05 * experiment.measured.requests, "the other nodes have no part in it"


def lines_on(system: System, tokens: Sequence[Credential], cookies: Sequence[Credential]) -> list[Guarded]:
    """Return the load on the good nodes; starting a dozen processes beside them may cost some requests their turn."""
    return [
        reads("plain-jwt", system.plain, tokens, 20, may_fail=REFUSES, stale_s=None),
        reads("pushed-jwt", system.pushed, tokens, 20, may_fail=REFUSES, stale_s=5),
        reads("redis-session", system.sessions, cookies, 20, may_fail=REFUSES),
        refreshes("refresh", system.auth, tokens[20:30], 3, may_fail=REFUSES),
        logouts("token logout", system.auth, tokens[:20], 1, may_fail=REFUSES),
        logouts("session logout", system.sessions, cookies[:20], 1, may_fail=REFUSES),
        logins("token login", system.auth, "root", 1, may_fail=REFUSES),
    ]


def check_refused_starts(house: House) -> None:
    """Start what must not start, and see that each ends with a line that names the setting."""
    refused = {name: house.server(name, module, environment) for name, (module, environment, _) in REFUSED.items()}
    wait_until(lambda: not any(server.running for server in refused.values()))
    for name, server in refused.items():
        assert WRONG_SETTINGS == server.exit_code, server.last_words()
        assert REFUSED[name][2] in server.last_words()


def answering(servers: Sequence[ServerProcess]) -> Sequence[ServerProcess]:
    """Return servers once they answer; whether they are ready is theirs to say."""
    wait_until(lambda: all(map(is_alive, servers)))
    return servers


def is_alive(server: ServerProcess) -> bool:
    try:
        return call(server.port, "GET", "/livez").status == 200
    except (OSError, NoAnswer):
        return False


def statuses(server: ServerProcess, credentials: Sequence[Credential]) -> set[int]:
    """Present each credential once."""
    headers = [credential.header.partition(": ") for credential in credentials]
    return {call(server.port, "GET", "/me", [(name, value)]).status for name, _, value in headers}
