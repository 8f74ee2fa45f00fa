"""`login`, `call` and `logout` against a whole running lab."""

import json
from pathlib import Path

import pytest

from tests.lab.running_lab import Lab


@pytest.mark.parametrize(
    ("side", "server"),
    [("token", "resource-3"), ("session", "session-2"), ("memory", "memory-1"), ("tracked", "tracked-2")],
)
def test_log_in_call_and_log_out_on_each_side(shared_lab: Lab, side: str, server: str) -> None:
    login = shared_lab.ask("login", "alice", "--side", side)
    assert login.returncode == 0, login.stderr
    me = shared_lab.ask("call", f"{server}/me")
    assert me.returncode == 0, me.stderr
    assert [json.loads(me.stdout)[name] for name in ("sub", "server")] == ["alice", server]
    order = shared_lab.ask("call", f"{server}/orders", "-d", '{"item": "pears", "quantity": 2}', "--json")
    assert json.loads(order.stdout)["status"] == 201
    assert shared_lab.ask("logout", "--side", side).returncode == 0
    after = shared_lab.ask("call", f"{server}/me")
    assert after.returncode == 1
    assert f"authlab login --side {side}" in after.stderr
    assert shared_lab.ask("logout", "--side", side).returncode == 1


def test_an_ended_token_that_is_kept_shows_each_strategys_staleness(shared_lab: Lab) -> None:
    assert shared_lab.ask("login").returncode == 0
    assert shared_lab.ask("logout", "--keep").returncode == 0
    assert shared_lab.ask("call", "resource-1/me").returncode == 0
    assert shared_lab.ask("call", "denylisted/me").returncode == 1
    shared_lab.ask("logout")


def test_messages_are_shown_raw_with_their_credentials_shortened(shared_lab: Lab) -> None:
    assert shared_lab.ask("login").returncode == 0
    shown = shared_lab.ask("call", "resource-1/me", "-v").stdout
    assert "Authorization: Bearer eyJhbG…" in shown
    assert "HTTP/1.1 200 OK" in shown
    kept = json.loads((shared_lab.directory / "credential.json").read_text())["token"]["credential"]
    assert kept["access_token"] not in shown
    assert (shared_lab.directory / "credential.json").stat().st_mode & 0o077 == 0
    assert shared_lab.ask("call", "--anonymous", "resource-1/me").returncode == 1


def test_the_credential_never_goes_to_a_server_that_is_not_of_the_lab(shared_lab: Lab, tmp_path: Path) -> None:
    assert shared_lab.ask("login").returncode == 0
    other = Lab(tmp_path / ".authlab")
    (tmp_path / ".authlab").mkdir()
    kept = (shared_lab.directory / "credential.json").read_text()
    (tmp_path / ".authlab" / "credential.json").write_text(kept)
    answer = json.loads(other.ask("call", f"{shared_lab.url(8481)}/me", "--json").stdout)
    assert answer["body"]["code"] == "no_credential"


def test_an_opaque_token_is_known_to_the_auth_server_alone(shared_lab: Lab) -> None:
    assert shared_lab.ask("login", "--opaque").returncode == 0
    assert shared_lab.ask("call", "introspected/me").returncode == 0
    assert shared_lab.ask("call", "resource-1/me").returncode == 1


def test_a_wrong_password_is_one_line(shared_lab: Lab) -> None:
    login = shared_lab.ask("login", "alice", AUTHLAB_PASSWORD="wrong")
    assert login.returncode == 1
    assert "answered 401 (bad_credentials)" in login.stderr
    assert login.stderr.count("\n") == 1


def test_an_unknown_server_is_one_line(shared_lab: Lab) -> None:
    call = shared_lab.ask("call", "nobody/me")
    assert call.returncode == 3
    assert "no server called nobody" in call.stderr


@pytest.mark.parametrize("target", ["http://127.0.0.1:1/", "https://127.0.0.1:1/", "http://"])
def test_an_address_that_does_not_answer_is_one_line(shared_lab: Lab, target: str) -> None:
    call = shared_lab.ask("call", target)
    assert call.returncode == 1
    assert call.stderr.count("\n") == 1


def test_healthcheck_tells_ready_from_not_ready(shared_lab: Lab) -> None:
    assert shared_lab.ask("healthcheck", shared_lab.url(8481)).returncode == 0
    assert shared_lab.ask("healthcheck", f"{shared_lab.url(8481)}/livez").returncode == 0
    assert shared_lab.ask("healthcheck", f"{shared_lab.url(8481)}/nothing").returncode == 1
    assert shared_lab.ask("healthcheck", "http://127.0.0.1:1").returncode == 1
    assert shared_lab.ask("healthcheck", "nonsense").returncode == 1
