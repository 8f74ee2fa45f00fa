"""The page draws the youngest run of the benchmark that has a frontier in it, and says so when there is none."""

import json
from pathlib import Path
from typing import Any

from lab.gateway.results import youngest_result

LAG = {"p50": 1.0, "p99": 2.0, "max": 3.0, "bound": "the next request"}


def publish(directory: Path, name: str, started_at: str, *, quick: bool = False, lag: dict[str, Any] | None) -> None:
    arm = {"strategy": "redis-session", "revocation_lag_ms": lag}
    result = {"schema": 1, "started_at": started_at, "quick": quick, "arms": {"redis-session": arm}}
    (directory / name).parent.mkdir(exist_ok=True)
    (directory / name).write_text(json.dumps(result), encoding="utf-8")


def test_the_youngest_goes_first_and_a_quick_one_last(tmp_path: Path) -> None:
    publish(tmp_path, "old.json", "2026-01-01", lag=LAG)
    publish(tmp_path, "new.json", "2026-02-01", lag=LAG)
    publish(tmp_path, "quick.json", "2026-03-01", quick=True, lag=LAG)
    found = youngest_result([tmp_path])
    assert found is not None
    assert found["file"] == f"{tmp_path.name}/new.json"


def test_a_run_of_peers_has_no_frontier_and_is_passed_over(tmp_path: Path) -> None:
    publish(tmp_path, "run.json", "2026-01-01", lag=LAG)
    publish(tmp_path, "peers/later.json", "2026-02-01", lag=None)
    found = youngest_result([tmp_path])
    assert found is not None
    assert found["file"] == f"{tmp_path.name}/run.json"


def test_what_is_no_result_is_none(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    (tmp_path / "other.json").write_text('{"schema": 2, "arms": {}}', encoding="utf-8")
    assert youngest_result([tmp_path, tmp_path / "missing"]) is None
