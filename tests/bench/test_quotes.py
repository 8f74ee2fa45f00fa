import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.commands.quote import command
from bench.quotes import RESULTS, NotInResult, fill_quotes, loose_measurements, newest_result, published_beside
from bench.result import Result
from bench.result_file import read_result

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "docs" / "benchmark.md"]


def test_a_quote_is_replaced_by_the_number_in_the_result(small: Result) -> None:
    text = "It takes <!--= arms.plain-jwt.server_cpu_us.median ; .1f -->9999<!--/--> µs."
    expected = f"{small.arms['plain-jwt'].cpu.median:.1f}"
    assert text.replace("9999", expected) == fill_quotes(text, small)


def test_a_sentence_and_the_table_can_be_quoted(small: Result) -> None:
    filled = fill_quotes("<!--= sentence frontier --><!--/--> <!--= table --><!--/-->", small)
    assert "Nothing measured is both cheaper and sooner" in filled
    assert "| plain-jwt" in filled


def test_a_result_beside_can_be_quoted(small: Result, small_file: Path, tmp_path: Path) -> None:
    (tmp_path / "peers").mkdir()
    shutil.copy(small_file, tmp_path / "peers" / "2026-01-01.json")
    filled = fill_quotes("<!--= peers:seed -->x<!--/-->", small, published_beside(tmp_path))
    assert "<!--= peers:seed -->7<!--/-->" == filled
    with pytest.raises(NotInResult, match="nobody"):
        fill_quotes("<!--= nobody:seed -->x<!--/-->", small, {})


def test_filling_twice_changes_nothing(small: Result) -> None:
    once = fill_quotes("<!--= table --><!--/--> <!--= seed -->x<!--/-->", small)
    assert once == fill_quotes(once, small)


@pytest.mark.parametrize("path", ["arms.none.errors", "sentence nothing", "sweeps.claims.points.999.x"])
def test_a_quote_of_what_is_not_there_is_refused(path: str, small: Result) -> None:
    with pytest.raises(NotInResult):
        fill_quotes(f"<!--= {path} -->1<!--/-->", small)


def test_a_number_that_looks_measured_is_seen_unless_it_is_quoted_or_code() -> None:
    assert ["4.2 µs"] == loose_measurements("It takes 4.2 µs.")
    assert ["39,000 requests per second"] == loose_measurements("39,000 requests per second")
    assert [] == loose_measurements("<!--= seed -->4.2 µs<!--/--> and `4.2 µs`\n```\n9 ms\n```")


def test_the_check_changes_nothing_and_fails_where_something_would_change(small_file: Path, tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text("<!--= seed -->x<!--/-->", encoding="utf-8")
    arguments = [str(document), "--result", str(small_file)]
    assert 1 == CliRunner().invoke(command, [*arguments, "--check"]).exit_code
    assert "x" in document.read_text(encoding="utf-8")
    assert 0 == CliRunner().invoke(command, arguments).exit_code
    assert "<!--= seed -->7<!--/-->" == document.read_text(encoding="utf-8")
    assert 0 == CliRunner().invoke(command, [*arguments, "--check"]).exit_code


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_states_no_measurement_that_is_not_quoted(document: Path) -> None:
    assert [] == loose_measurements(document.read_text(encoding="utf-8"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_quote_is_shown_where_markdown_is_rendered(document: Path) -> None:
    """A bar ends a cell even within a comment; a line that begins with one is no part of its paragraph."""
    text = document.read_text(encoding="utf-8")
    assert [] == [quote for quote in re.findall(r"<!--=.*?-->", text) if "|" in quote]
    assert {"<!--= table -->"} >= set(re.findall(r"^<!--=.*?-->", text, re.MULTILINE))
    assert [] == re.findall(r"^[A-Z]+_[A-Z]+$", text, re.MULTILINE), "something is still to be filled in"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_quoted_number_is_the_one_in_the_newest_published_result(document: Path) -> None:
    newest = newest_result(RESULTS)
    text = document.read_text(encoding="utf-8")
    if newest is None:
        assert "<!--/-->" not in text.replace("--><!--/-->", ""), "a number is quoted and there is no result"
    else:
        filled = fill_quotes(text, read_result(newest), published_beside(RESULTS))
        assert text == filled, "run: python -m bench quote README.md docs/benchmark.md"


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.json")), ids=lambda path: path.stem)
def test_a_published_result_is_whole_and_quiet_or_says_that_it_is_not(path: Path) -> None:
    result = read_result(path)
    assert not result.quick
    assert not result.partial
    assert all(arm.errors == 0 for arm in result.arms.values())
    assert result.machine["commit"] != "unknown"
    assert abs(result.noise.aa_ratio - 1) < 0.03 or any("too noisy" in doubt for doubt in result.doubts)


def test_the_generator_and_wrk_agree_in_a_published_run() -> None:
    checks = [read_result(path).cross_check for path in [*RESULTS.glob("*.json"), *RESULTS.glob("*/*.json")]]
    assert any(check is not None and abs(check.ratio - 1) < 0.1 for check in checks)


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*/*.json")), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_result_that_is_published_beside_is_whole_and_ours_failed_nobody(path: Path) -> None:
    """A peer may fail: that is a finding, and it is told."""
    result = read_result(path)
    assert not result.quick
    assert not result.partial
    failed = {name for name, arm in result.arms.items() if arm.errors}
    assert all(name.startswith("peer-") and any(name in doubt for doubt in result.doubts) for name in failed)
