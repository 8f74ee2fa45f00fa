"""`authlab healthcheck`: ask one server whether it is ready; a container's health check."""

import json
import sys

import click

from lab.readiness import is_ready


@click.command(short_help="Ask one server whether it is ready (for containers).")
@click.argument("url")
@click.option("--timeout", "timeout_s", default=2.0, show_default=True, metavar="SECONDS")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def command(url: str, timeout_s: float, *, as_json: bool) -> None:
    """GET the /readyz of URL (or the path given in it).

    \b
    Exit codes:
      0  it answers 200
      1  it does not
    """
    ready = is_ready(url, timeout_s=timeout_s)
    if as_json:
        click.echo(json.dumps({"url": url, "ready": ready}))
    elif not ready:
        click.echo(f"{url} is not ready", err=True)
    sys.exit(0 if ready else 1)
