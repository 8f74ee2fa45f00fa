"""`compare`: two result files, arm by arm."""

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bench.comparison import compare, differing_facts, overall
from bench.result import Result
from bench.result_file import ResultRefused, read_result

EXIT_CODES = {"same": 0, "better": 10, "worse": 11}
CANNOT_BE_COMPARED = 2


@click.command(name="compare", epilog="Exit code: 0 the same, 10 better, 11 worse, 2 not to be compared.")
@click.argument("before", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("after", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--allow", multiple=True, metavar="FACT", help="Compare although this fact differs. Repeatable.")
def command(before: Path, after: Path, allow: tuple[str, ...]) -> None:
    """Compare what a request costs in AFTER with BEFORE, as a multiple of each run's own control."""
    first, second = _read(before), _read(after)
    differing = {name: pair for name, pair in differing_facts(first, second).items() if name not in allow}
    if differing:
        for name, (mine, theirs) in differing.items():
            click.echo(f"{name}: {mine} before, {theirs} after", err=True)
        click.echo(f"not compared: {', '.join(differing)} differ (--allow FACT to do it all the same)", err=True)
        sys.exit(CANNOT_BE_COMPARED)
    compared = compare(first, second)
    table = Table("arm", "after / before", "95 % interval", "verdict", box=None)
    for one in compared:
        interval = f"{one.ratio.low:.3f} to {one.ratio.high:.3f}"
        table.add_row(one.arm, f"{one.ratio.median:.3f}", interval, one.verdict)
    Console().print(table)
    verdict = overall(compared)
    print(verdict)
    sys.exit(EXIT_CODES[verdict])


def _read(path: Path) -> Result:
    try:
        return read_result(path)
    except ResultRefused as error:
        click.echo(str(error), err=True)
        sys.exit(CANNOT_BE_COMPARED)
