"""`report`: make summary, figures and page again from a result file."""

from pathlib import Path

import click

from bench.outputs import WITHOUT_FIGURES, can_draw, write_derived
from bench.result_file import ResultRefused, read_result


@click.command(name="report")
@click.argument("result_file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="By default beside the result file.")
def command(result_file: Path, out: Path | None) -> None:
    """Write summary.md, report.html and every figure from RESULT_FILE."""
    try:
        result = read_result(result_file)
    except ResultRefused as error:
        raise click.ClickException(str(error)) from error
    for path in write_derived(result, out or result_file.parent):
        print(path)
    if not can_draw():
        click.echo(WITHOUT_FIGURES, err=True)
