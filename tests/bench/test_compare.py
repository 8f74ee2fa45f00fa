from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.commands.compare import CANNOT_BE_COMPARED, EXIT_CODES, command
from bench.result import ArmResult, Result
from bench.result_file import write_result


def scaled(arm: ArmResult, factor: float) -> ArmResult:
    slices = tuple(cost * factor for cost in arm.samples.server_cpu_us)
    return arm.model_copy(update={"samples": arm.samples.model_copy(update={"server_cpu_us": slices})})


def steady(result: Result) -> Result:
    """Return the result as a quiet machine would have made it: many rounds, hardly any spread."""

    def calm(arm: ArmResult) -> ArmResult:
        slices = tuple(arm.cpu.median * (1 + 0.002 * (turn % 5 - 2)) for turn in range(20))
        return arm.model_copy(update={"samples": arm.samples.model_copy(update={"server_cpu_us": slices})})

    noise = result.noise.model_copy(update={"aa_ratio": 1.0, "low": 0.99, "high": 1.01})
    return result.model_copy(update={"arms": {name: calm(arm) for name, arm in result.arms.items()}, "noise": noise})


def compare(tmp_path: Path, before: Result, after: Result, *options: str) -> tuple[int, str]:
    files = []
    for name, result in (("before", before), ("after", after)):
        write_result(result, tmp_path / f"{name}.json")
        files.append(str(tmp_path / f"{name}.json"))
    outcome = CliRunner().invoke(command, [*files, *options])
    return outcome.exit_code, outcome.output


def test_a_result_is_the_same_as_itself(small: Result, tmp_path: Path) -> None:
    code, output = compare(tmp_path, steady(small), steady(small))
    assert EXIT_CODES["same"] == code
    assert "better" not in output
    assert "worse" not in output


@pytest.mark.parametrize(("factor", "verdict"), [(1.2, "worse"), (0.8, "better")])
def test_one_arm_that_changed_is_named_and_decides(small: Result, tmp_path: Path, factor: float, verdict: str) -> None:
    before = steady(small)
    arms = {**before.arms, "redis-session": scaled(before.arms["redis-session"], factor)}
    code, output = compare(tmp_path, before, before.model_copy(update={"arms": arms}))
    assert EXIT_CODES[verdict] == code
    (row,) = [line for line in output.splitlines() if "redis-session" in line]
    assert row.split()[-1] == verdict
    assert f"{factor:.3f}" in row


def test_a_change_within_the_noise_floor_is_no_change(small: Result, tmp_path: Path) -> None:
    before = steady(small)
    noisy = before.noise.model_copy(update={"high": 1.3})
    arms = {**before.arms, "redis-session": scaled(before.arms["redis-session"], 1.2)}
    code, _ = compare(tmp_path, before, before.model_copy(update={"arms": arms, "noise": noisy}))
    assert EXIT_CODES["same"] == code


def test_a_machine_that_is_slower_as_a_whole_changes_nothing(small: Result, tmp_path: Path) -> None:
    before = steady(small)
    arms = {name: scaled(arm, 1.5) for name, arm in before.arms.items()}
    code, _ = compare(tmp_path, before, before.model_copy(update={"arms": arms}))
    assert EXIT_CODES["same"] == code


def test_results_from_different_machines_are_refused_and_the_facts_named(small: Result, tmp_path: Path) -> None:
    other = small.model_copy(update={"machine": {**small.machine, "cpu": "abacus", "aiohttp": "2.0"}})
    code, output = compare(tmp_path, small, other)
    assert CANNOT_BE_COMPARED == code
    assert "cpu: " in output
    assert "aiohttp: " in output
    assert "not compared: cpu, aiohttp differ" in output


def test_who_insists_may_compare_them_all_the_same(small: Result, tmp_path: Path) -> None:
    other = steady(small).model_copy(update={"machine": {**small.machine, "cpu": "abacus"}})
    assert EXIT_CODES["same"] == compare(tmp_path, steady(small), other, "--allow", "cpu")[0]


def test_another_commit_is_what_results_are_compared_for(small: Result, tmp_path: Path) -> None:
    other = steady(small).model_copy(update={"machine": {**small.machine, "commit": "0" * 40}})
    assert EXIT_CODES["same"] == compare(tmp_path, steady(small), other)[0]


def test_a_broken_file_is_not_compared(small: Result, tmp_path: Path) -> None:
    write_result(small, tmp_path / "before.json")
    (tmp_path / "after.json").write_text("{}", encoding="utf-8")
    outcome = CliRunner().invoke(command, [str(tmp_path / "before.json"), str(tmp_path / "after.json")])
    assert CANNOT_BE_COMPARED == outcome.exit_code
    assert "schema None" in outcome.output
