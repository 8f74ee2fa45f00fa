"""A lab of the tests' own, on free ports, with everything in it."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.fault_proxy_client import FaultProxy
from lab.processes import ServerProcess, free_port
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
    def behind_a_proxy(self) -> Iterator[tuple[str, FaultProxy]]:
        """Run a second gateway of this lab behind a fault proxy, so that the way from the browser can be cut."""
        state = self._state()
        redis = {one.name: one.url for one in state.redis}
        choices = Choices(everything=True, port_offset=self.lab.offset)
        sight = Sight(redis[REDIS_AUTH], redis[REDIS_SESSIONS], fault_proxies=state.fault_proxies)
        plan = servers(choices, Stores("", ""), Secrets(self.lab.directory / "secrets"), sight)[-1]
        port = free_port()
        with FaultProxy(port) as proxy:
            environment = plan.environment | {"AUTHLAB_PORT": str(proxy.port)}
            with ServerProcess("gateway", plan.module, environment, port) as gateway:
                gateway.start().wait_ready()
                yield f"http://127.0.0.1:{proxy.port}", proxy

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
