"""What the image is made of: everything pinned, every pin with hashes, and in step with pyproject.toml."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PIN = re.compile(
    r"^([a-z0-9-]+)==([^ ]+)(?: ; (.+?))? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)
PINS = {name: version for name, version, _, _ in PIN.findall(LOCK)}
DEPENDENCIES: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_line_is_a_pin_with_hashes_or_says_why_it_is_there() -> None:
    assert len(PINS) > 25
    rest = PIN.sub("", LOCK)
    assert [] == [line for line in rest.splitlines() if line and not re.match(r" *#", line)]


def test_no_line_says_where_to_fetch_from() -> None:
    assert not re.search(r"https?:|file:|^-", LOCK, re.MULTILINE)


@pytest.mark.parametrize("text", DEPENDENCIES)
def test_what_the_project_needs_is_pinned_at_a_version_that_it_takes(text: str) -> None:
    """`make lock` was forgotten when this fails."""
    needed = Requirement(text)
    assert needed.specifier.contains(PINS[canonical(needed.name)])


def test_the_image_is_made_of_what_is_pinned() -> None:
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "--require-hashes --requirement requirements.lock" in image


def test_no_development_tool_is_in_the_image() -> None:
    assert PINS.keys().isdisjoint({"pytest", "ruff", "mypy", "hypothesis", "pip", "uv", "authlib", "matplotlib"})
