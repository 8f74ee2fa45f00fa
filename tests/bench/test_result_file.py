import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bench.commands.report import command as report
from bench.result import Result
from bench.result_file import ResultRefused, read_result, write_result


def corrupted(small_file: Path, target: Path, damage: Callable[[dict[str, Any]], object]) -> Path:
    content = json.loads(small_file.read_text(encoding="utf-8"))
    damage(content)
    target.write_text(json.dumps(content), encoding="utf-8")
    return target


def test_what_was_written_reads_back_the_same(small: Result, tmp_path: Path) -> None:
    write_result(small, tmp_path / "result.json")
    assert small == read_result(tmp_path / "result.json")
    assert ["result.json"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("damage", "where"),
    [
        (lambda result: result.update(schema=2), "schema 2"),
        (lambda result: result.pop("schema"), "schema None"),
        (lambda result: result.pop("seed"), "seed"),
        (lambda result: result.update(unheard_of=1), "unheard_of"),
        (lambda result: result["arms"]["plain-jwt"].pop("server_cpu_us"), "arms.plain-jwt.server_cpu_us"),
        (lambda result: result["arms"]["plain-jwt"].update(errors="none"), "arms.plain-jwt.errors"),
        (lambda result: result["arms"]["plain-jwt"].update(bytes_up=-1), "arms.plain-jwt.bytes_up"),
        (
            lambda result: result["arms"]["plain-jwt"]["margin_cpu_us"].update(low=9.0, high=1.0),
            "ends before it begins",
        ),
        (lambda result: result["arms"].pop("control-again"), "without control-again"),
        (lambda result: result["noise"].update(aa_ratio="nan"), "noise.aa_ratio"),
    ],
)
def test_a_corrupted_file_is_refused_in_one_line_that_says_where(
    small_file: Path, tmp_path: Path, damage: Callable[[dict[str, Any]], object], where: str
) -> None:
    path = corrupted(small_file, tmp_path / "result.json", damage)
    with pytest.raises(ResultRefused) as refused:
        read_result(path)
    assert where in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", ["", "[]", '{"schema": 1', "null", "\x00"])
def test_what_is_no_result_at_all_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "result.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ResultRefused):
        read_result(path)


def test_half_a_file_is_refused(small_file: Path, tmp_path: Path) -> None:
    text = small_file.read_text(encoding="utf-8")
    (tmp_path / "result.json").write_text(text[: len(text) // 2], encoding="utf-8")
    with pytest.raises(ResultRefused, match="cannot be read"):
        read_result(tmp_path / "result.json")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultRefused, match="cannot be read"):
        read_result(tmp_path / "nothing.json")


def test_a_command_says_what_is_wrong_with_a_file_and_fails(small_file: Path, tmp_path: Path) -> None:
    path = corrupted(small_file, tmp_path / "result.json", lambda result: result.pop("noise"))
    outcome = CliRunner().invoke(report, [str(path)])
    assert 1 == outcome.exit_code
    assert outcome.output.startswith("Error: ")
    assert "noise: Field required" in outcome.output
