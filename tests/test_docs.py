"""Documents say what is so: the generated page is current, and no link leads nowhere."""

import importlib.util
import re
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from bench.result_file import read_result
from resource_server.strategies import STRATEGIES as TOKEN_STRATEGIES
from session_server.strategies import STRATEGIES as SESSION_STRATEGIES

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(path for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")] if path.is_file())
_LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:)([^)#]*)(?:#([^)]*))?\)")
_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
_PATH = re.compile(r"`((?:core|auth_server|resource_server|session_server|lab|bench|tests|docs)/[\w./-]+)`")
_SMALL_RESULT = ROOT / "tests" / "bench" / "data" / "small.json"


def _generator(path: Path = ROOT / "docs" / "generate.py") -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", path)
    assert spec is not None and spec.loader is not None  # noqa: PT018 - one fact: the file is there
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_strategies_is_what_make_docs_would_write() -> None:
    generator = _generator()
    assert generator.current_page() == generator.PAGE.read_text(encoding="utf-8"), "run `make docs`"


def test_the_page_of_peers_is_what_make_docs_would_write() -> None:
    generator = _generator()
    assert generator.current_peers_page() == generator.PEERS_PAGE.read_text(encoding="utf-8"), "run `make docs`"


def test_the_page_of_settings_is_what_make_docs_would_write() -> None:
    generator = _generator()
    assert generator.settings_page() == generator.SETTINGS_PAGE.read_text(encoding="utf-8"), "run `make docs`"


def test_the_page_follows_a_promise_that_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = _generator()
    plain = TOKEN_STRATEGIES["plain-jwt"]
    other = replace(plain.promise, lookups_per_request=3, without_its_store="refuses")
    row = "| 3 | not before it expires | refuses |"
    assert row not in generator.strategies_page(None)
    monkeypatch.setattr(plain, "promise", other)
    assert row in generator.strategies_page(None)


def test_the_page_tells_what_was_measured_once_it_is_published() -> None:
    result = read_result(_SMALL_RESULT)
    page = _generator().strategies_page(result, "2026-01-01.json")
    assert "bench/results/2026-01-01.json" in page
    assert result.command in page
    for name in (*TOKEN_STRATEGIES, *SESSION_STRATEGIES):
        assert (f"\n| `{name}` |" in page) == (name in result.arms)
    assert "No full run" not in page


def test_every_strategy_has_its_definition_and_its_cost() -> None:
    page = _generator().strategies_page(None)
    for name in (*TOKEN_STRATEGIES, *SESSION_STRATEGIES):
        section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert section.strip().lower().startswith(f"{name.replace('-', ' ')}:"), name
        assert "\nCost: " in section, name
        (path,) = re.findall(r"^File: \[([^\]]+)\]", section, re.MULTILINE)
        assert (ROOT / path).is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_link_leads_nowhere(page: Path) -> None:
    text = _CODE.sub("", page.read_text(encoding="utf-8"))
    for target, anchor in _LINK.findall(text):
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), f"{page.name}: {target}"
        assert path.is_relative_to(ROOT)
        if anchor and path.suffix == ".md":
            assert anchor in _anchors(path), f"{page.name}: #{anchor}"


def _anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def test_every_decision_says_what_was_found_and_has_its_own_number() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    numbers = [record.name[:4] for record in records]
    assert len(records) > 5
    assert len(set(numbers)) == len(numbers)
    for record in records:
        head = record.read_text(encoding="utf-8").splitlines()[0]
        assert head.startswith(f"# {int(record.name[:4])}. "), record.name


def test_no_page_names_a_file_that_is_gone() -> None:
    """Paths in backticks, too. What begins with `my_` is the reader's own; what git ignores, only a run makes."""
    named = {path for page in PAGES for path in _PATH.findall(page.read_text(encoding="utf-8"))}
    made = {line.strip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()}
    assert len(named) > 20
    assert [] == [path for path in sorted(named - made) if "/my_" not in path and not (ROOT / path).exists()]


def test_the_readme_shows_the_page_in_light_and_in_dark_and_says_what_is_to_be_seen() -> None:
    pictures = re.findall(
        r"!\[([^\]]*)\]\((docs/images/[^)]+\.png)\)", (ROOT / "README.md").read_text(encoding="utf-8")
    )
    assert ["docs/images/page-light.png", "docs/images/page-dark.png"] == [path for _, path in pictures]
    for words, path in pictures:
        picture = (ROOT / path).read_bytes()
        assert picture.startswith(b"\x89PNG\r\n")
        assert len(picture) < 200_000, "run `make screenshots`, and look"
        assert len(words.split()) > 10
