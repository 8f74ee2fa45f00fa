"""`authlab fault` breaks what it names, says so, and heals it."""

import json
from collections.abc import Iterator

import pytest

from tests.lab.running_lab import Lab


@pytest.fixture
def whole_lab(shared_lab: Lab) -> Iterator[Lab]:
    """Return the lab, and heal what a test broke."""
    yield shared_lab
    shared_lab.ask("fault", "redis-sessions", "heal")


def login_exit_code(lab: Lab) -> int:
    """Log in on the session side, and say how that went."""
    return lab.ask("login", "alice", "--side", "session").returncode


def test_what_is_off_is_off_until_it_is_healed(whole_lab: Lab) -> None:
    assert 0 == login_exit_code(whole_lab)
    broken = whole_lab.ask("fault", "redis-sessions", "off")
    assert (0, "redis-sessions: off") == (broken.returncode, broken.stdout.strip())
    assert 1 == login_exit_code(whole_lab)
    healed = whole_lab.ask("fault", "redis-sessions", "heal")
    assert (0, "redis-sessions: nothing is wrong") == (healed.returncode, healed.stdout.strip())
    assert 0 == login_exit_code(whole_lab)


def test_a_delay_is_told_as_data(whole_lab: Lab) -> None:
    slow = whole_lab.ask("fault", "redis-sessions", "slow", "--delay-ms", "20", "--json")
    said = json.loads(slow.stdout)
    assert ("redis-sessions", 20.0) == (said["target"], said["to_server_ms"] + said["to_client_ms"])
    assert "slow by 20 ms a round trip" in whole_lab.ask("fault", "redis-sessions", "status").stdout


def test_what_has_no_proxy_is_a_usage_error_that_names_those_there_are(whole_lab: Lab) -> None:
    refused = whole_lab.ask("fault", "resource-1", "off")
    assert 2 == refused.returncode
    assert "redis-auth" in refused.stderr
