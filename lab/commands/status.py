"""`authlab status`: what runs, and whether it answers."""

import sys
from typing import Any

import click
from rich.console import Console

from lab.commands.failures import NOT_RUNNING
from lab.observation import Observation, observe, without_password
from lab.output import console, print_json, print_table
from lab.state import LabDirectory
from lab.topology import PAGE


@click.command(short_help="Show what runs, and whether it answers.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def command(*, as_json: bool) -> None:
    """Show every server and Redis of the running lab. Each is asked; nothing is remembered.

    \b
    Exit codes:
      0  everything is ready
      1  it runs, but something is not ready
      3  it does not run
    """
    state = LabDirectory().running()
    seen = observe(state) if state else Observation([], [])
    if as_json:
        print_json(status_as_data(seen))
    elif state:
        print_status(seen, console())
    else:
        console(to_stderr=True).print("It is not running. Start it: authlab up --detach")
    if state is None:
        sys.exit(NOT_RUNNING)
    sys.exit(0 if seen.all_ready else 1)


def status_as_data(seen: Observation) -> dict[str, Any]:
    """Describe what runs for programs."""
    return {
        "servers": [
            {"name": one.name, "url": one.url, "strategy": one.strategy, "pid": one.pid, "ready": ready}
            for one, ready in seen.servers
        ],
        "redis": [
            {"name": one.name, "url": without_password(one.url), "pid": one.pid, "ready": ready}
            for one, ready in seen.redis
        ],
    }


def print_status(seen: Observation, out: Console) -> None:
    """Print one table of what runs."""
    rows = [(one.name, one.url, one.strategy or "-", str(one.pid), _word(ready=ready)) for one, ready in seen.servers]
    rows += [
        (one.name, without_password(one.url), "-", "not ours" if one.pid is None else str(one.pid), _word(ready=ready))
        for one, ready in seen.redis
    ]
    print_table(out, ("name", "address", "strategy", "pid", "state"), rows)
    for one, _ in seen.servers:
        if one.strategy == PAGE:
            out.print(f"\nOpen [bold]{one.url}/[/] in a browser.")


def _word(*, ready: bool) -> str:
    return "[green]ready[/]" if ready else "[bold red]not ready[/]"
