import json
from collections.abc import Iterator

import pytest

from tests.lab.running_lab import Lab


@pytest.fixture(scope="session")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Start a whole lab with every strategy, once for all tests that do not break it."""
    lab = Lab(tmp_path_factory.mktemp("lab") / ".authlab")
    started = lab.run("up", "--all", "--detach", "--json")
    try:
        assert started.returncode == 0, started.stderr
        assert all(server["ready"] for server in json.loads(started.stdout)["servers"])
        yield lab
    finally:
        lab.run("down")
