"""`authlab healthcheck`: ask one server whether it is ready; a container's health check."""

import sys

import click

from lab.readiness import is_ready


@click.command(short_help="Ask one server whether it is ready (for containers).")
@click.argument("url")
@click.option("--timeout", "timeout_s", default=2.0, show_default=True, metavar="SECONDS")
def command(url: str, timeout_s: float) -> None:
    """GET the /readyz of URL (or the path given in it).

    \b
    Exit codes:
      0  it answers 200
      1  it does not
    """
    if not is_ready(url, timeout_s=timeout_s):
        click.echo(f"{url} is not ready", err=True)
        sys.exit(1)
