"""What every attack stands on: the system as real processes, and one who holds a resource server's secret."""

from collections.abc import Iterator

import pytest

from tests.attacks.insider import Insider
from tests.attacks.system import Resource, System


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Run the system under attack. At its end no server may have crashed on anything that was sent."""
    system = System(tmp_path_factory.mktemp("attacks"))
    try:
        yield system
        crashed = {name: log for name, log in system.logs().items() if "request.crashed" in log or "Traceback" in log}
        assert {} == crashed
    finally:
        system.stop()


@pytest.fixture(scope="session")
def resources(system: System) -> list[Resource]:
    """Return a resource server of every strategy, with the token cache and without; HS256."""
    return system.resources()


@pytest.fixture(scope="session")
def insider(system: System) -> Insider:
    """Return the holder of the resource servers' HS256 secret."""
    kid, key = system.shared_key()
    return Insider(system.auth().url, kid, key)
