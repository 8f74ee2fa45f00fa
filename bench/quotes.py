"""Numbers in documents, taken from a result file so that they cannot drift.

A document quotes like this, and the text between is replaced whenever the result changes:

    <!--= arms.plain-jwt.margin_cpu_us.median ; .1f -->4.2<!--/-->

A path leads through the result file; after the semicolon stands a format (a bar would end a cell of a table). `table`
quotes the summary's table, and `sentence NAME` what the figure of that name says. `peers:PATH` leads through the newest
result of `bench/results/peers/`, and so for every folder there.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.result import Result
from bench.result_file import read_result
from bench.summary import write_table

RESULTS = Path(__file__).with_name("results")
"""Where results are published."""
_QUOTE = re.compile(
    r"(?P<head><!--=\s*(?:(?P<beside>\w+):)?(?P<path>[\w. +-]+?)\s*(?:;\s*(?P<format>[^\s>]+)\s*)?-->)"
    r".*?(?P<tail><!--/-->)",
    re.DOTALL,
)
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
_MEASUREMENT = re.compile(r"\d[\d.,]*\s*(?:µs|ms\b|MiB|(?:requests|answers|logins)\s+(?:a|per)\s+second)")


class NotInResult(Exception):
    """A document quotes something that the result file does not hold."""


def fill_quotes(text: str, result: Result, beside: Mapping[str, Result] | None = None) -> str:
    """Return a document with every quote as its result has it; raise NotInResult for a path that leads nowhere."""

    def filled(quote: re.Match[str]) -> str:
        return quote["head"] + _quote(quoted(quote["beside"]), quote["path"], quote["format"] or "") + quote["tail"]

    def quoted(name: str | None) -> Result:
        if name is None:
            return result
        if beside is None or name not in beside:
            raise NotInResult(f"no result is published in {name}/")
        return beside[name]

    return _QUOTE.sub(filled, text)


def published_beside(directory: Path) -> dict[str, Result]:
    """Read the newest result of each folder beside the published ones: other measurements than a run's."""
    found = {folder.name: newest_result(folder) for folder in sorted(directory.iterdir()) if folder.is_dir()}
    return {name: read_result(path) for name, path in found.items() if path is not None}


def loose_measurements(text: str) -> list[str]:
    """Return the measured-looking numbers of a document that are not quotes. Code may show any."""
    return _MEASUREMENT.findall(_CODE.sub("", _QUOTE.sub("", text)))


def newest_result(directory: Path) -> Path | None:
    """Return the newest published result file, by its name; None when there is none."""
    return max(directory.glob("*.json"), default=None, key=lambda path: path.name)


def _quote(result: Result, path: str, form: str) -> str:
    kind, _, name = path.partition(" ")
    if kind == "table":
        return "\n\n" + "\n".join(write_table(result)) + "\n\n"
    if kind == "sentence":
        return _sentence(result, name)
    return format(_follow(result.model_dump(by_alias=True), path), form)


def _sentence(result: Result, name: str) -> str:
    from bench.figures import FIGURES  # noqa: PLC0415 - matplotlib is an extra

    for figure in FIGURES:
        if figure.name == name and figure.has(result):
            return figure.sentence(result)
    raise NotInResult(f"the result has no figure {name}")


def _follow(value: Any, path: str) -> Any:
    for step in path.split("."):
        try:
            value = value[int(step)] if isinstance(value, (list, tuple)) else value[step]
        except (KeyError, IndexError, TypeError, ValueError):
            raise NotInResult(f"the result has no {path} (at {step})") from None
    return value
