import json
import os
from pathlib import Path

import pytest

from lab.state import LabDirectory, LabState, RedisState, ServerState

STATE = LabState(4711, True, [ServerState("auth", "http://x", None, 1)], [RedisState("redis-auth", "redis://y", None)])  # noqa: FBT003 - a record


@pytest.fixture
def directory(tmp_path: Path) -> LabDirectory:
    directory = LabDirectory(tmp_path / "lab")
    directory.create()
    return directory


def test_what_is_recorded_is_read_again(directory: LabDirectory) -> None:
    directory.record(STATE)
    assert directory.recorded() == STATE
    directory.forget()
    directory.forget()
    assert directory.recorded() is None


def test_a_record_without_a_living_supervisor_is_not_a_running_lab(directory: LabDirectory) -> None:
    directory.record(STATE)
    assert directory.running() is None
    lock = directory.lock()
    assert lock is not None
    assert directory.lock() is None
    assert directory.running() == STATE
    os.close(lock)
    assert directory.running() is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", json.dumps({"supervisor_pid": 1, "servers": [{}], "redis": []})])
def test_a_damaged_state_file_counts_as_none(directory: LabDirectory, text: str) -> None:
    directory.record(STATE)
    (directory.path / "state.json").write_text(text)
    assert directory.recorded() is None


def test_files_are_replaced_whole_and_private(directory: LabDirectory) -> None:
    path = directory.path / "credential.json"
    path.write_text("old")
    path.chmod(0o644)
    directory.write_private(path, "new")
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert {"credential.json", "logs", "secrets"} == {entry.name for entry in directory.path.iterdir()}


def test_the_directory_is_named_by_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AUTHLAB_DIR", str(tmp_path / "elsewhere"))
    assert LabDirectory().path == tmp_path / "elsewhere"
    monkeypatch.delenv("AUTHLAB_DIR")
    monkeypatch.chdir(tmp_path)
    assert LabDirectory().path == tmp_path / ".authlab"
