import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bench.figures import FIGURES
from bench.figures.figure import Figure
from bench.figures.frontier import Point, on_frontier, points_of
from bench.figures.words import crossings
from bench.outputs import write_derived
from bench.report.page import write_page
from bench.result import Interval, Lag, Result
from bench.summary import write_summary

STRATEGIES = {
    "plain-jwt",
    "denylisted-jwt",
    "pushed-jwt",
    "introspected-token",
    "memory-session",
    "redis-session",
    "tracked-session",
}
VOID = {"meta", "br", "input", "link"}


class Page(HTMLParser):
    """Collects what a page refers to, and whether every tag that opens is closed again."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.references: list[str] = []
        self.ids: list[str] = []
        self.captions = 0
        self.tables = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tables += tag == "table"
        self.captions += tag == "figcaption"
        self.references += [value for name, value in attrs if name in {"src", "href", "xlink:href"} and value]
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert tag == self.open.pop()


@pytest.fixture(scope="module")
def page(small: Result) -> str:
    return write_page(small)


@pytest.fixture(scope="module")
def parsed(page: str) -> Page:
    parsed = Page()
    parsed.feed(page)
    return parsed


def test_the_page_needs_nothing_from_anywhere(page: str, parsed: Page) -> None:
    assert [] == [reference for reference in parsed.references if not reference.startswith("#")]
    assert not re.search(r"@import|url\((?!#)|<script|<link|<iframe", page)


def test_the_page_is_well_formed_and_its_ids_are_unique_where_they_are_used(parsed: Page) -> None:
    assert [] == parsed.open
    used = {reference[1:] for reference in parsed.references}
    assert used <= set(parsed.ids)


def test_the_page_has_both_themes_and_figures_follow_them(page: str) -> None:
    assert "prefers-color-scheme: dark" in page
    figures = "".join(re.findall(r"<svg.*?</svg>", page, re.DOTALL))
    assert "var(--ink)" in figures
    assert "#1b1f25" not in figures
    assert "#fefefd" not in figures


def test_every_figure_has_a_sentence_and_its_numbers(small: Result, page: str, parsed: Page) -> None:
    shown = [figure for figure in FIGURES if figure.has(small)]
    assert len(FIGURES) == len(shown), "the small result should hold what every figure needs"
    assert len(shown) == parsed.captions
    assert parsed.tables >= len(shown) + 1
    for figure in shown:
        assert f'id="{figure.name}"' in page


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_a_sentence_is_one_paragraph_without_holes(figure: Figure, small: Result) -> None:
    sentence = figure.sentence(small)
    assert sentence.endswith(".")
    assert not re.search(r"\bnan\b|\bNone\b|\binf\b|  ", sentence)


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_a_table_has_a_cell_under_every_head(figure: Figure, small: Result) -> None:
    table = figure.table(small)
    assert table.rows
    assert {len(table.head)} == {len(row) for row in table.rows}


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_the_same_result_gives_the_same_picture(figure: Figure, small: Result) -> None:
    assert figure.svg(small) == figure.svg(small)


def test_the_frontier_shows_every_strategy_with_both_bars(small: Result) -> None:
    points = points_of(small)
    assert STRATEGIES == {point.arm for point in points}
    assert all(point.cost.low < point.cost.high for point in points)
    assert all(point.lag.samples_ms for point in points)


def test_what_is_beaten_in_both_ways_is_not_on_the_frontier() -> None:
    def point(arm: str, cost: float, lag_ms: float) -> Point:
        lag = Lag(p50=lag_ms, p99=lag_ms, max=lag_ms, bound="x", resolution_ms=0.1, samples_ms=(lag_ms,))
        return Point(arm, Interval(median=cost, low=cost, high=cost), lag)

    cheap, beaten, fresh = point("cheap", 4, 1000), point("beaten", 9, 1000), point("fresh", 8, 1)
    assert [cheap, fresh] == on_frontier([beaten, fresh, cheap])


def test_lines_cross_where_they_cross() -> None:
    assert [1.5] == crossings([0, 1, 2], [0, 0, 2], [1, 1, 1])
    assert [] == crossings([0, 1, 2], [0, 0, 0], [1, 1, 1])


def test_a_summary_marks_what_is_not_for_publication(small: Result) -> None:
    assert "quick, not for publication" in write_summary(small)
    published = small.model_copy(update={"quick": False})
    assert "not for publication" not in write_summary(published)


def test_a_saturated_row_has_no_percentile(small: Result) -> None:
    latency = small.arms["plain-jwt"].latency_ms
    assert latency is not None
    saturated = small.arms["plain-jwt"].model_copy(
        update={"latency_ms": latency.model_copy(update={"saturated": True})}
    )
    summary = write_summary(small.model_copy(update={"arms": {**small.arms, "plain-jwt": saturated}}))
    (row,) = [line for line in summary.splitlines() if line.startswith(("| plain-jwt |", "| plain-jwt ~ |"))]
    assert 2 == row.count("saturated")


def test_everything_is_written_beside_the_result(small: Result, tmp_path: Path) -> None:
    names = {path.name for path in write_derived(small, tmp_path)}
    assert {"summary.md", "report.html", "frontier.svg", "frontier.png"} <= names
    assert (tmp_path / "frontier.png").read_bytes().startswith(b"\x89PNG")
