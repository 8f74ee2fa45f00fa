"""A generator process's connections to one arm, kept from slice to slice so that no slice pays for connecting."""

from collections.abc import Callable
from itertools import cycle, islice
from math import inf
from time import process_time

from bench.generator.closed_loop import run_closed_loop
from bench.generator.corpus import Corpus
from bench.generator.lane import Lane
from bench.generator.messages import Outcome, Prepare, RunClosed, RunOpen
from bench.generator.open_loop import OpenLoop
from bench.generator.poller import open_poller
from bench.generator.tally import Tally


class Station:
    """Send the requests of one arm to its servers, the connections shared out evenly among them."""

    def __init__(self, order: Prepare) -> None:
        self._corpus = Corpus.read(order.corpus)
        self._poller = open_poller()
        self._lanes = [Lane(address, self._poller) for address in islice(cycle(order.addresses), order.connections)]

    def prepare(self, order: Prepare) -> None:
        """Connect where needed and warm both ends up, so that what follows is steady.

        Every caller comes once before and once after: a session is written to once a minute, and read again for that
        by a server which remembers it. A short slice that seldom comes up would pay that for nearly everybody.
        """
        for lane in self._lanes:
            if not lane.is_open:
                lane.open()
        if order.warm_up_s > 0:
            for requests, duration_s in (
                (self._corpus.once(), inf),
                (self._corpus.endless(order.seed), order.warm_up_s),
                (self._corpus.once(), inf),
            ):
                run_closed_loop(self._lanes, self._poller, requests, duration_s)

    def run(self, order: RunClosed | RunOpen) -> Outcome:
        """Run one slice and return its outcome."""
        requests = self._corpus.endless(order.seed)
        match order:
            case RunClosed():
                return _account(lambda: run_closed_loop(self._lanes, self._poller, requests, order.duration_s))
            case RunOpen():
                loop = OpenLoop(self._lanes, self._poller, requests, timeout_s=order.timeout_s)
                return _account(lambda: loop.run(order.rate, order.duration_s, order.seed, order.start_ns))

    def close(self) -> None:
        """Close every connection."""
        for lane in self._lanes:
            lane.close()
        self._poller.close()


def _account(run: Callable[[], Tally]) -> Outcome:
    cpu = process_time()
    tally = run()
    return tally.to_outcome(generator_cpu_s=process_time() - cpu)
