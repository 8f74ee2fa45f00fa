"""`keys` and `accounts` against a whole running lab."""

import json
import secrets
from typing import Any

import pytest

from tests.lab.running_lab import Lab, eventually, free_offset

PASSWORD = "correct-horse-battery-1"


def keys(lab: Lab) -> dict[str, str]:
    return {key["kid"]: key["state"] for key in json.loads(lab.ask("keys", "list", "--json").stdout)}


@pytest.fixture
def erin(shared_lab: Lab) -> str:
    name = f"erin-{secrets.token_hex(3)}"
    added = shared_lab.ask(
        "accounts", "add", name, "--role", "admin", "--role", "user", "--json", AUTHLAB_NEW_PASSWORD=PASSWORD
    )
    assert added.returncode == 0, added.stderr
    assert json.loads(added.stdout)["roles"] == ["admin", "user"]
    return name


def logged_in(lab: Lab, name: str, password: str = PASSWORD) -> list[int]:
    return [lab.ask("login", name, "--side", side, AUTHLAB_PASSWORD=password).returncode for side in SIDES]


def statuses(lab: Lab, path: str = "me") -> dict[str, int]:
    found: dict[str, int] = {}
    for server in ("resource-1", "denylisted", "session-1", "memory-1", "tracked-1"):
        answer: dict[str, Any] = json.loads(lab.ask("call", f"{server}/{path}", "--json").stdout)
        found[server] = answer["status"]
    return found


SIDES = ("token", "session", "memory", "tracked")


def test_a_rotated_key_signs_and_the_old_one_can_be_retired_at_once(shared_lab: Lab) -> None:
    before = keys(shared_lab)
    rotated = shared_lab.ask("keys", "rotate", "--wait", "--json")
    assert rotated.returncode == 0, rotated.stderr
    kid = json.loads(rotated.stdout)["kid"]
    assert kid not in before
    after = keys(shared_lab)
    assert after[kid] == "signing"
    old = next(one for one, state in before.items() if state == "signing")
    assert after[old] == "verifying"
    assert shared_lab.ask("keys", "retire", old).returncode == 0
    assert eventually(lambda: old not in keys(shared_lab))
    refused = shared_lab.ask("keys", "retire", "no-such-kid")
    assert refused.returncode == 1
    assert "answered 404" in refused.stderr


def test_a_demoted_admin_is_out_wherever_a_login_can_be_ended(shared_lab: Lab, erin: str) -> None:
    assert [0, 0, 0, 0] == logged_in(shared_lab, erin)
    assert set(statuses(shared_lab, "admin/audit").values()) == {200}
    changed = shared_lab.ask("accounts", "set-roles", erin, "user", "--json")
    assert changed.returncode == 0, changed.stderr
    assert json.loads(changed.stdout)["roles"] == ["user"]
    stale = {"resource-1": 200, "denylisted": 401, "session-1": 401, "memory-1": 401, "tracked-1": 401}
    assert stale == statuses(shared_lab, "admin/audit")
    assert [0, 0, 0, 0] == logged_in(shared_lab, erin)
    assert set(statuses(shared_lab, "admin/audit").values()) == {403}


def test_a_new_password_replaces_the_old_one_and_ends_what_it_opened(shared_lab: Lab, erin: str) -> None:
    assert [0, 0, 0, 0] == logged_in(shared_lab, erin)
    new = f"{PASSWORD}-new"
    changed = shared_lab.ask("accounts", "set-password", erin, AUTHLAB_NEW_PASSWORD=new)
    assert changed.returncode == 0, changed.stderr
    assert new not in changed.stdout
    assert statuses(shared_lab)["session-1"] == 401
    assert [1, 1, 1, 1] == logged_in(shared_lab, erin)
    assert [0, 0, 0, 0] == logged_in(shared_lab, erin, new)


def test_an_admin_may_change_their_own_password(shared_lab: Lab, erin: str) -> None:
    new = f"{PASSWORD}-new"
    changed = shared_lab.ask(
        "accounts", "set-password", erin, "--user", erin, AUTHLAB_ADMIN_PASSWORD=PASSWORD, AUTHLAB_NEW_PASSWORD=new
    )
    assert changed.returncode == 0, changed.stderr


def test_a_disabled_account_cannot_log_in(shared_lab: Lab, erin: str) -> None:
    assert shared_lab.ask("accounts", "disable", erin).returncode == 0
    assert [1, 1, 1, 1] == logged_in(shared_lab, erin)
    listed = json.loads(shared_lab.ask("accounts", "list", "--json").stdout)
    assert next(account["disabled"] for account in listed if account["username"] == erin) is True


def test_who_is_no_admin_is_refused_in_one_line(shared_lab: Lab) -> None:
    for arguments in (("accounts", "list"), ("keys", "rotate"), ("accounts", "disable", "bob")):
        refused = shared_lab.ask(*arguments, "--user", "alice")
        assert refused.returncode == 1
        assert "answered 403" in refused.stderr
        assert refused.stderr.count("\n") == 1


def test_a_wrong_admin_password_is_refused(shared_lab: Lab) -> None:
    refused = shared_lab.ask("accounts", "list", AUTHLAB_ADMIN_PASSWORD="wrong")
    assert refused.returncode == 1
    assert "answered 401" in refused.stderr


def test_the_server_may_be_elsewhere(shared_lab: Lab) -> None:
    elsewhere = str(shared_lab.directory / "none")
    url = shared_lab.url(8471)
    nobody = str(free_offset())
    told = shared_lab.ask("accounts", "list", "--auth-url", url, AUTHLAB_DIR=elsewhere, AUTHLAB_PORT_OFFSET=nobody)
    assert told.returncode == 0
    assert shared_lab.ask("keys", "list", AUTHLAB_DIR=elsewhere, AUTHLAB_PORT_OFFSET=nobody).returncode == 3


def test_a_system_that_others_started_is_found_at_the_usual_ports(shared_lab: Lab, erin: str) -> None:
    """As compose does, whose state is in no directory of ours."""
    elsewhere = str(shared_lab.directory / "none")
    assert [0, 0, 0, 0] == logged_in(shared_lab, erin)
    assert shared_lab.ask("accounts", "disable", erin, AUTHLAB_DIR=elsewhere).returncode == 0
    over = {"resource-1": 200, "denylisted": 401, "session-1": 401, "memory-1": 401, "tracked-1": 401}
    assert over == statuses(shared_lab)
