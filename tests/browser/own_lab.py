"""A lab of the tests' own, on free ports, with everything in it."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.processes import ServerProcess
from lab.state import LabDirectory, LabState
from lab.topology import PAGE_PORT, REDIS_AUTH, REDIS_SESSIONS, Choices, Secrets, Sight, Stores, servers
from tests.lab.running_lab import Lab


@dataclass(frozen=True)
class OwnLab:
    """A lab that tests may break."""

    lab: Lab

    @property
    def url(self) -> str:
        """Return the address of its page."""
        return self.lab.url(PAGE_PORT)

    def kill(self, server: str) -> None:
        """End a server as a crash would."""
        os.kill(next(one.pid for one in self._state().servers if one.name == server), signal.SIGKILL)

    @contextmanager
    def second_gateway(self, *, port: int, results: Path | None = None) -> Iterator[str]:
        """Run another gateway of this lab, which may be ended and, with `results`, draws other benchmark results."""
        state = self._state()
        redis = {one.name: one.url for one in state.redis}
        choices = Choices(everything=True, port_offset=self.lab.offset)
        sight = Sight(redis[REDIS_AUTH], redis[REDIS_SESSIONS], fault_proxies=state.fault_proxies)
        plan = servers(choices, Stores("", ""), Secrets(self.lab.directory / "secrets"), sight)[-1]
        environment = plan.environment | ({"GATEWAY_RESULTS_DIRS": str(results)} if results else {})
        with ServerProcess("gateway", plan.module, environment, port) as gateway:
            gateway.start().wait_ready()
            yield gateway.url

    def _state(self) -> LabState:
        state = LabDirectory(self.lab.directory).running()
        assert state is not None
        return state


@contextmanager
def running_own_lab(directory: Path) -> Iterator[OwnLab]:
    """Start it and stop it."""
    lab = Lab(directory / ".authlab")
    up = lab.run("up", "--all", "--detach")
    assert up.returncode == 0, up.stderr
    try:
        yield OwnLab(lab)
    finally:
        lab.run("down")
