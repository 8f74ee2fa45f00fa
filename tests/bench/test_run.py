"""The benchmark as a user starts it: real servers, real load, a result."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bench.result import Result
from bench.result_file import read_result

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments: str, timeout_s: float = 110) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", "run", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result, str]:
    """Run the quick benchmark for the control and two strategies."""
    out = tmp_path_factory.mktemp("bench")
    completed = run("--quick", "--arms", "plain-jwt,redis-session", "--seed", "5", "--out", str(out))
    assert 0 == completed.returncode, completed.stderr
    return out, read_result(out / "result.json"), completed.stdout


def test_a_quick_run_writes_result_summary_report_and_figures(finished: tuple[Path, Result, str]) -> None:
    out, result, printed = finished
    assert {"result.json", "summary.md", "report.html", "frontier.svg"} <= {path.name for path in out.iterdir()}
    assert result.quick
    assert not result.partial
    assert "seed 5" in printed
    assert 5 == result.seed


def test_a_jwt_asks_no_store_and_a_session_asks_once(finished: tuple[Path, Result, str]) -> None:
    _, result, _ = finished
    assert 0 == result.arms["plain-jwt"].store_commands_per_request
    assert result.arms["redis-session"].store_commands_per_request == pytest.approx(1, abs=0.05)
    assert result.arms["redis-session"].store_commands_under_load < 1, "reads of one tick are merged"


def test_every_arm_was_answered_and_no_failure_is_hidden(finished: tuple[Path, Result, str]) -> None:
    _, result, _ = finished
    assert {"control", "control-again", "plain-jwt", "redis-session"} == {*result.arms}
    (told,) = [doubt for doubt in result.doubts if doubt.startswith("Some requests failed")] or [""]
    for name, arm in result.arms.items():
        assert arm.requests > 1000
        assert (arm.errors > 0) == (name in re.split(r"[:,.] ?", told))
        assert arm.knows_cpu
        assert arm.latency_ms is not None
        assert arm.latency_ms.asked == arm.latency_ms.sent


def test_a_token_is_longer_than_a_cookie(finished: tuple[Path, Result, str]) -> None:
    _, result, _ = finished
    assert result.arms["plain-jwt"].bytes_up > 3 * result.arms["redis-session"].bytes_up


def test_a_session_ends_with_the_logout_and_a_plain_jwt_does_not(finished: tuple[Path, Result, str]) -> None:
    _, result, _ = finished
    jwt, session = (result.arms[name].revocation_lag_ms for name in ("plain-jwt", "redis-session"))
    assert jwt is not None
    assert session is not None
    assert "until expiry" == jwt.bound
    assert jwt.p50 > 300
    assert session.max < 100


def test_a_dead_redis_harms_sessions_only_and_they_come_back(finished: tuple[Path, Result, str]) -> None:
    _, result, _ = finished
    (failure,) = result.failures
    seen = {one.arm: {kind for second in one.seconds for kind in second.outcomes} for one in failure.timelines}
    assert {"200"} == seen["plain-jwt"]
    assert {"200", "503"} == seen["redis-session"]
    assert all(one.recovery_s is not None for one in failure.timelines)


def test_no_progress_bar_is_drawn_where_nobody_can_see_it(finished: tuple[Path, Result, str]) -> None:
    _, _, printed = finished
    assert not re.search(r"\x1b|\r", printed)


def test_ctrl_c_writes_what_there_is_and_leaves_nobody_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench", "run", "--quick", "--arms", "plain-jwt", "--out", str(tmp_path)]
    # A session of its own, so that its descendants can be told from everybody else's, whoever adopts them.
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    started: set[psutil.Process] = set()
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        started |= {*psutil.Process(process.pid).children(recursive=True)}
        if any(path.name.startswith("corpus-control-again") for path in tmp_path.rglob("corpus-*")):
            break
        time.sleep(0.1)
    time.sleep(9)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=40)
    assert 130 == process.returncode, errors
    assert json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))["partial"] is True, output
    assert "not completed" in (tmp_path / "summary.md").read_text(encoding="utf-8")
    _, alive = psutil.wait_procs([one for one in started if one.is_running()], timeout=5)
    assert [] == alive


def test_an_unknown_arm_is_refused_with_the_names_of_those_that_exist() -> None:
    completed = run("--arms", "telepathy")
    assert 2 == completed.returncode
    assert "there is no arm 'telepathy'" in completed.stderr
    assert "redis-session" in completed.stderr


def test_a_deployment_needs_accounts_and_its_passwords_stay_out_of_the_result() -> None:
    completed = run("--session-url", "http://127.0.0.1:1")
    assert 2 == completed.returncode
    assert "NAME:PASSWORD" in completed.stderr
