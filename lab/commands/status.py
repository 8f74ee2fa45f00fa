"""`authlab status`: what runs, and whether it answers."""

import sys
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from lab.observation import Observation, observe, without_password
from lab.output import console, print_json
from lab.state import LabDirectory

NOT_RUNNING = 3


@click.command(short_help="Show what runs, and whether it answers.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def command(*, as_json: bool) -> None:
    r"""Show every server and Redis of the running lab. Each is asked; nothing is remembered.

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
    table = Table(box=None, pad_edge=False)
    for title in ("name", "address", "strategy", "pid", "state"):
        table.add_column(title, no_wrap=True)
    for server, ready in seen.servers:
        table.add_row(server.name, server.url, server.strategy or "-", str(server.pid), _word(ready=ready))
    for redis, ready in seen.redis:
        pid = "not ours" if redis.pid is None else str(redis.pid)
        table.add_row(redis.name, without_password(redis.url), "-", pid, _word(ready=ready))
    out.print(table)


def _word(*, ready: bool) -> str:
    return "[green]ready[/]" if ready else "[bold red]not ready[/]"
