"""Servers as real processes, started once for all tests of a file."""

from collections.abc import Iterator

import pytest

from tests.system.fleet import Fleet, running


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Run one server of every kind and strategy."""
    with running(tmp_path_factory.mktemp("fleet")) as fleet:
        yield fleet
