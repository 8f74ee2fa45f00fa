import json
import os
import socket
from pathlib import Path

import pytest

from tests.lab.running_lab import Lab


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path / ".authlab")


def test_nothing_is_in_the_way_here(lab: Lab) -> None:
    doctor = lab.ask("doctor", "--json")
    data = json.loads(doctor.stdout)
    assert doctor.returncode == 0, data
    assert data["ok"] is True
    assert {"python", "redis", "ports", "files", "directory"} <= {finding["name"] for finding in data["findings"]}


def test_a_taken_port_is_in_the_way(lab: Lab) -> None:
    with socket.create_server(("127.0.0.1", lab.port(8495))):
        doctor = lab.ask("doctor")
    assert doctor.returncode == 1
    assert f"port {lab.port(8495)} (for tracked-1) is taken by pid {os.getpid()}" in doctor.stdout


def test_a_given_redis_that_is_silent_is_in_the_way_and_its_password_is_not_shown(lab: Lab) -> None:
    doctor = lab.ask("doctor", AUTH_REDIS_URL="redis://user:hunter2@127.0.0.1:1/0")
    assert doctor.returncode == 1
    assert "AUTH_REDIS_URL redis://***@127.0.0.1:1/0 does not answer" in doctor.stdout
    assert "hunter2" not in doctor.stdout


def test_a_missing_redis_is_in_the_way(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.redis_binary.find_spec", lambda _name: None)
    doctor = lab.ask("doctor", PATH="/nonexistent")
    assert doctor.returncode == 1
    assert "apt install redis-server" in doctor.stdout
