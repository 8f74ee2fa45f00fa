"""`quote`: bring the numbers in documents up to date with a result file."""

import sys
from pathlib import Path

import click

from bench.quotes import RESULTS, NotInResult, fill_quotes, newest_result, published_beside
from bench.result_file import ResultRefused, read_result


@click.command(name="quote")
@click.argument("documents", nargs=-1, required=True, type=click.Path(dir_okay=False, exists=True, path_type=Path))
@click.option("--result", "result_file", type=click.Path(dir_okay=False, path_type=Path), help="By default the newest.")
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 where something would change.")
def command(documents: tuple[Path, ...], result_file: Path | None, *, check: bool) -> None:
    """Replace every quoted number in DOCUMENTS by the one in the result file."""
    path = result_file or newest_result(RESULTS)
    if path is None:
        raise click.UsageError("no published result here: give --result FILE")
    stale = []
    try:
        result, beside = read_result(path), published_beside(RESULTS)
        for document in documents:
            text = document.read_text(encoding="utf-8")
            filled = fill_quotes(text, result, beside)
            if filled != text:
                stale.append(document)
                if not check:
                    document.write_text(filled, encoding="utf-8")
    except (ResultRefused, NotInResult) as error:
        raise click.ClickException(str(error)) from error
    for document in stale:
        print(document)
    sys.exit(1 if check and stale else 0)
