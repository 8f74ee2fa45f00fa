"""F-15: clocks disagree by seconds, a minute, an hour."""

import time
from dataclasses import replace

import pytest

from core.access_token import FUTURE_LEEWAY_S
from lab.processes import ServerProcess
from tests.attacks.forge import parts
from tests.faults.conftest import RowOf
from tests.faults.experiment import Experiment, Guarded
from tests.faults.house import House
from tests.faults.lines import logouts, reads
from tests.faults.oracle import End
from tests.faults.people import Credential, log_in_all

pytestmark = pytest.mark.faults

SMALL_S = (-9, 9)
LARGE_S = (-3600, -61, 61, 3600)
LIFE_S = 75
"""Of the tokens: on a server whose clock is 61 s ahead they expire while they are watched."""
TO_THE_MOMENT_S = 0.05
"""Two clocks of one machine are compared here, one after the other."""


class Skewed:
    """A resource server with a clock of its own, and what it must say of each token."""

    def __init__(self, server: ServerProcess, offset_s: float, tokens: list[Credential]) -> None:
        self.offset_s = offset_s
        self.name = f"{server.name}, clock {offset_s:+g} s"
        self.tokens = [replace(token, caller=f"{token.caller} at {offset_s:+g} s") for token in tokens]
        self._server = server

    def line(self) -> Guarded:
        """Read with every token."""
        return reads(self.name, self._server, self.tokens, 30)

    def ends(self) -> dict[str, End]:
        """Return when each token ends by this clock, on the machine's monotonic one."""
        ahead_s = time.time() - time.monotonic() + self.offset_s
        return {token.caller: _end(token.access_token, ahead_s) for token in self.tokens}


def _end(token: str, ahead_s: float) -> End:
    """Return when a token ends: never accepted from the beginning where it comes from too far in the future."""
    _, claims, _ = parts(token)
    if claims["iat"] - FUTURE_LEEWAY_S > time.monotonic() + ahead_s + LIFE_S / 3:
        return End(0.0, 0.0)
    expires_s = claims["exp"] - ahead_s
    return End(expires_s - TO_THE_MOMENT_S, expires_s + TO_THE_MOMENT_S)


def test_clocks_may_differ_by_ten_seconds_and_beyond_that_every_answer_can_be_foretold(
    house: House, row_of: RowOf
) -> None:
    token_store, session_store = house.redis("redis-auth"), house.redis("redis-sessions")
    auth = house.auth(token_store.url, AUTH_ACCESS_TTL_S=str(LIFE_S))
    feed = {"RESOURCE_REDIS_URL": token_store.url}
    tolerant = [house.resource("denylisted-jwt", name=f"near-{at}", CLOCK_OFFSET_S=str(at), **feed) for at in SMALL_S]
    far = [house.resource("plain-jwt", name=f"far-{at}", CLOCK_OFFSET_S=str(at)) for at in LARGE_S]
    sessions = [
        house.session("redis-session", session_store.url, name=f"sessions-{at}", CLOCK_OFFSET_S=str(at))
        for at in (-3600, 3600)
    ]
    house.ready()
    cookies, tokens = log_in_all(sessions[0], 10) + log_in_all(sessions[1], 10), log_in_all(auth, 15)
    strangers = [Skewed(server, at, tokens[10:]) for server, at in zip(far, LARGE_S, strict=True)]
    lines = [
        *(reads(f"clock {at:+d} s", server, tokens[:10], 30) for server, at in zip(tolerant, SMALL_S, strict=True)),
        *(one.line() for one in strangers),
        reads("sessions, clocks two hours apart", sessions, cookies, 40),
        logouts("token logout", auth, tokens[:4], 1),
        logouts("session logout", sessions[0], cookies[30:36], 1),
    ]
    with row_of(
        "F-15", "Clocks disagree",
        injected="resource servers whose clocks are 9 s, 61 s and an hour off, either way, with tokens of "
        f"{LIFE_S} s; session servers with one store whose clocks are two hours apart; logouts go on",
        promise="10 s are tolerated; further behind a new token is refused, ahead it is refused from exp of that "
        "clock on, to the moment; sessions follow the store's clock alone; no clock brings back what was ended",
    ) as row:  # fmt: skip
        experiment = Experiment("all at once", lines, [auth, *tolerant, *far, *sessions])
        for one in strangers:
            experiment.ends |= one.ends()
        with experiment.running(), experiment.fault():
            time.sleep(seconds_until_all_expired(strangers) + 1)
        row.runs.append(experiment.measured)
        verdicts = experiment.measured.verdicts
        assert 0 == experiment.measured.error_window_s
        outcomes = [set(verdicts[one.name].outcomes) for one in strangers]
        assert [{"401"}, {"401"}, {"200", "401"}, {"401"}] == outcomes
        row.notes += [f"{one.name}: {dict(verdicts[one.name].outcomes)}" for one in strangers]


def seconds_until_all_expired(strangers: list[Skewed]) -> float:
    """Return how long some token may still be accepted by a clock that is ahead."""
    ends_s = [end.acknowledged_s for one in strangers if one.offset_s > 0 for end in one.ends().values()]
    return max(0.0, max(ends_s) - time.monotonic())
