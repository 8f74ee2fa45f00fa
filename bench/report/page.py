"""Write the page: first what is to be doubted, then the table, then every figure with its sentence and its numbers."""

import re
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from bench.figures import FIGURES
from bench.figures.figure import Figure, Table
from bench.figures.style import COLOURS, FAINT, GRID, INK, PAPER
from bench.report.tables import bill_table, main_table, memory_table
from bench.result import Result

_STYLE = Path(__file__).with_name("style.css")
_THEMED = {
    PAPER: "var(--paper)",
    INK: "var(--ink)",
    FAINT: "var(--faint)",
    GRID: "var(--grid)",
    **{colour: f"var(--{strategy.split('-')[0]})" for strategy, colour in COLOURS.items()},
}


def write_page(result: Result) -> str:
    """Return the whole page as HTML."""
    title = "What a request costs, and how stale its answer may be"
    body = [
        f"<h1>{title}</h1>",
        *_facts(result),
        *_doubts(result.doubts),
        "<h2>Every arm</h2>",
        _table(main_table(result), mark="control"),
        f'<p class="note">{escape(_method(result))}</p>',
        *(_figure(figure, result) for figure in FIGURES if figure.has(result)),
        *_more("What one more caller occupies", memory_table(result)),
        *_more("The rest of the bill", bill_table(result)),
        *_more("Machine, software and settings", _settings_table(result)),
    ]
    style = _STYLE.read_text(encoding="utf-8")
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
        f"<style>{style}</style>"
    )
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body><main>\n'
        + "\n".join(body)
        + "\n</main></body></html>\n"
    )


def _facts(result: Result) -> Iterable[str]:
    machine = result.machine
    changes = " with changes" if machine["dirty"] == "yes" else ""
    yield f"<p><code>{escape(result.command)}</code></p>"
    yield (
        f'<p class="facts">{escape(result.started_at)} · {result.duration_s:.0f} s · seed {result.seed} · '
        f"{escape(machine['cpu'])}, {machine['cores']} cores · {escape(machine['python'])}, {machine['loop']}, "
        f"aiohttp {machine['aiohttp']} · commit {escape(machine['commit'][:12])}{changes}</p>"
    )


def _doubts(doubts: Sequence[str]) -> Iterable[str]:
    if doubts:
        yield '<section class="doubts"><h2>What is to be doubted</h2><ul>'
        yield "".join(f"<li>{escape(doubt)}</li>" for doubt in doubts)
        yield "</ul></section>"


def _method(result: Result) -> str:
    settings, noise = result.settings, result.noise
    return (
        f"CPU and answers per second: closed loop, {settings['connections']:.0f} connections. Latency: open loop, "
        f"{settings['rate_rps']:.0f} requests/s, from the intended start. In brackets: 95 % bootstrap intervals of the "
        f"median over {settings['rounds']:.0f} interleaved rounds in {settings['batches']:.0f} batches of fresh "
        f"processes. The control against itself: {noise.aa_ratio:.3f} [{noise.low:.3f}, {noise.high:.3f}]"
        + ("." if noise.floor_cpu_us is None else f"; margins below {noise.floor_cpu_us:.1f} µs are no difference.")
    )


def _figure(figure: Figure, result: Result) -> str:
    svg = figure.svg(result)
    sentence = figure.sentence(result)
    return (
        f'<h2 id="{figure.name}">{escape(figure.title)}</h2>\n<figure>{_inline(svg, figure.name, sentence)}'
        f"<figcaption>{escape(sentence)}</figcaption></figure>\n"
        f"<details><summary>The numbers behind this figure</summary>{_table(figure.table(result))}</details>"
    )


def _inline(svg: str, name: str, description: str) -> str:
    """Make a picture part of the page: without its prologue, with ids of its own, and in the colours of the theme."""
    svg = svg[svg.index("<svg") :]
    for colour, variable in _THEMED.items():
        svg = svg.replace(colour, variable)
    svg = re.sub(r'(id="|url\(#|xlink:href="#)', rf"\g<1>{name}-", svg)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(description)}" ', 1)


def _more(title: str, table: Table | None) -> Iterable[str]:
    if table is not None:
        yield f"<h2>{escape(title)}</h2>"
        yield _table(table)


def _table(table: Table, mark: str = "") -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table.head)
    rows = "".join(_row(row, marked=row[0] == mark) for row in table.rows)
    return (
        '<div class="scroll" tabindex="0" role="region" aria-label="table"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row(cells: Sequence[str], *, marked: bool) -> str:
    opening = '<tr class="control">' if marked else "<tr>"
    return opening + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _settings_table(result: Result) -> Table:
    facts = {**result.machine, **{name: f"{value:g}" for name, value in result.settings.items()}}
    noise = result.noise
    facts |= {
        "load before": f"{noise.load_before:.2f}",
        "load after": f"{noise.load_after:.2f}",
        "taken by the host": f"{noise.steal_share:.2%}",
    }
    if result.cross_check is not None:
        check = result.cross_check
        facts["answers/s here / under wrk"] = f"{check.ours_rps:.0f} / {check.wrk_rps:.0f} ({check.ratio:.3f})"
    return Table(("fact", "value"), [*facts.items()])
