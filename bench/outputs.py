"""Write what a run found: the result file first, then everything that can be made again from it."""

from pathlib import Path

from bench.result import Result
from bench.summary import write_summary

RESULT_FILE = "result.json"


def write_outputs(result: Result, directory: Path) -> list[Path]:
    """Write every file of a run; return what was written."""
    directory.mkdir(parents=True, exist_ok=True)
    result_file = directory / RESULT_FILE
    result.write(result_file)
    return [result_file, *write_derived(result, directory)]


def write_derived(result: Result, directory: Path) -> list[Path]:
    """Write what a result file alone is enough for."""
    summary = directory / "summary.md"
    summary.write_text(write_summary(result), encoding="utf-8")
    return [summary]
