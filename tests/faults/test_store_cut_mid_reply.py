"""F-04: both Redis are cut off in the middle of a reply, after each number of bytes that a reply can break at."""

import itertools
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from lab.fault_proxy_client import FaultProxy
from lab.processes import ServerProcess
from tests.attacks.forge import parts
from tests.attacks.wire import Answer, Wire, request_bytes
from tests.faults.both_sides import BothSides
from tests.faults.conftest import RowOf
from tests.faults.experiment import Experiment
from tests.faults.house import House
from tests.faults.load.traffic import refresh_request
from tests.faults.people import Credential

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]

SERVED_AGAIN_WITHIN_S = 3.0
LONGEST_REPLY_BYTES = 2000


class Reader:
    """Someone whose replies are cut; must be served as nobody else, or be told to come back."""

    def __init__(self, name: str, wire: Wire, credential: Credential) -> None:
        self.name = name
        self.wire = wire
        self.credential = credential
        self.cuts = 0
        self.served_at_once = 0
        self.came_through = False

    def meet_the_cut(self) -> None:
        """Ask while the reply is cut; once it comes through, all of it has passed."""
        self.came_through = self.is_served()
        self.cuts += not self.came_through

    def be_served_again(self) -> None:
        """Ask until there is an answer, which must be soon."""
        deadline = time.monotonic() + SERVED_AGAIN_WITHIN_S
        self.served_at_once += (served := self.is_served())
        while not served:
            assert time.monotonic() < deadline, self.name
            time.sleep(0.02)
            served = self.is_served()

    def is_served(self) -> bool:
        answer = self.wire.exchange(self.request())
        if answer.status == 503:
            assert answer.header("Retry-After") is not None
            return False
        assert (200, self.credential.subject) == (answer.status, self.subject_in(answer)), self.name
        return True

    def request(self) -> bytes:
        return request_bytes("GET", "/me", [self.credential.header_field])

    def subject_in(self, answer: Answer) -> str:
        return str(answer.json()["sub"])


class Refresher(Reader):
    """The same with a refresh token: a reply that is lost must not cost the login."""

    def request(self) -> bytes:
        return refresh_request(self.credential.refresh_token)

    def subject_in(self, answer: Answer) -> str:
        body = answer.json()
        subject = str(parts(body["access_token"])[1]["sub"])
        self.credential = Credential("", subject, "", refresh_token=body["refresh_token"])
        return subject


def cut_at_every_byte(proxy: FaultProxy, readers: Sequence[Reader]) -> None:
    """Let no byte of a reply pass, then one, then two, until every reader's reply has passed whole."""
    with ThreadPoolExecutor(len(readers)) as pool:
        for length in itertools.count():
            waiting = [reader for reader in readers if not reader.came_through]
            if not waiting:
                return
            assert length < LONGEST_REPLY_BYTES, [reader.name for reader in waiting]
            proxy.cut_replies(after_bytes=length)
            list(pool.map(Reader.meet_the_cut, waiting))
            proxy.heal()
            list(pool.map(Reader.be_served_again, waiting))


def readers_of(system: BothSides, wires: ExitStack) -> tuple[list[Reader], list[Reader]]:
    """Return those who read the store of the tokens, and those who read that of the sessions."""
    tokens, cookies = system.people(1)

    def wire(server: ServerProcess) -> Wire:
        return wires.enter_context(Wire(server.port))

    return (
        [
            Reader("denylisted-jwt", wire(system.denylisted), tokens[0]),
            Reader("introspected-token", wire(system.introspected), tokens[1]),
            Refresher("refresh", wire(system.auth), tokens[0]),
        ],
        [Reader("redis-session", wire(system.redis_session), cookies[1])],
    )


def test_a_reply_that_breaks_off_is_no_answer_and_meets_nobody_else(house: House, row_of: RowOf) -> None:
    system = BothSides(house)
    with ExitStack() as wires, row_of(
        "F-04", "Redis cut off mid-reply",
        injected="RST on every connection to both Redis after k bytes of its replies, for k from 0 to the length of "
        "the reply, under a load of two people in turn; healed after each k",
        promise="that request is told to come back; the connection is given up and the next request served; nobody "
        "gets another's data; a refresh whose answer was lost brings the same successor",
    ) as row:  # fmt: skip
        readers = readers_of(system, wires)
        experiment = Experiment("cut after each byte", system.lines(), system.servers, recovers_within_s=2.0)
        with experiment.running(warm_s=1, after_s=2), experiment.fault(), ThreadPoolExecutor(2) as pool:
            list(pool.map(cut_at_every_byte, system.proxies, readers))
        row.runs.append(experiment.measured)
        row.notes += [
            f"{reader.name}: {reader.cuts} bytes of replies were cut at each of them; {reader.served_at_once} of "
            f"{reader.cuts + 1} times the very next request was served"
            for reader in itertools.chain(*readers)
        ]
