"""Write what a run found: the result file first, then everything that can be made again from it."""

import importlib.util
from pathlib import Path

from bench.result import Result
from bench.result_file import write_result
from bench.summary import write_summary

RESULT_FILE = "result.json"
WITHOUT_FIGURES = "no figures and no report: matplotlib is not installed (pip install 'authlab[bench]')"


def write_outputs(result: Result, directory: Path) -> list[Path]:
    """Write every file of a run; return what was written."""
    directory.mkdir(parents=True, exist_ok=True)
    result_file = directory / RESULT_FILE
    write_result(result, result_file)
    return [result_file, *write_derived(result, directory)]


def can_draw() -> bool:
    """Tell whether figures can be drawn here; the result is complete without them."""
    return importlib.util.find_spec("matplotlib") is not None


def write_derived(result: Result, directory: Path) -> list[Path]:
    """Write what a result file alone is enough for: the summary, and with matplotlib the figures and the report."""
    directory.mkdir(parents=True, exist_ok=True)
    summary = directory / "summary.md"
    summary.write_text(write_summary(result), encoding="utf-8")
    if not can_draw():
        return [summary]
    from bench.figures import FIGURES  # noqa: PLC0415 - matplotlib is an extra
    from bench.report.page import write_page  # noqa: PLC0415 - the same

    report = directory / "report.html"
    report.write_text(write_page(result), encoding="utf-8")
    written = [summary, report]
    for figure in FIGURES:
        if figure.has(result):
            svg, png = directory / f"{figure.name}.svg", directory / f"{figure.name}.png"
            svg.write_text(figure.svg(result), encoding="utf-8")
            png.write_bytes(figure.png(result))
            written += [svg, png]
    return written
