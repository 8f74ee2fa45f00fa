"""What every attack stands on: the system as real processes, and one who holds a resource server's secret."""

from collections.abc import Iterator

import pytest

from tests.attacks.insider import Insider
from tests.attacks.system import Resource, System


def assert_nobody_crashed(system: System) -> None:
    """Assert that no server met an error of its own."""
    crashed = {name: log for name, log in system.logs().items() if ".crashed" in log or "Traceback" in log}
    assert {} == crashed


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Run the system under attack. At its end no server may have crashed on anything that was sent."""
    system = System(tmp_path_factory.mktemp("attacks"))
    try:
        yield system
        assert_nobody_crashed(system)
    finally:
        system.stop()


@pytest.fixture(scope="module")
def own_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Run a system that one file may count in, dump and pause: nobody else uses its stores."""
    system = System(tmp_path_factory.mktemp("own"))
    try:
        yield system
        assert_nobody_crashed(system)
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
