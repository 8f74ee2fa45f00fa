"""`python -m bench`: every file in `bench/commands/` is one command."""

import importlib
import pkgutil

import click

from bench import commands


@click.group()
def bench() -> None:
    """Measure what a request costs and how stale its answer may be, for every strategy."""


def main() -> None:
    """Find the commands and run the one that was asked for."""
    for module in pkgutil.iter_modules(commands.__path__):
        bench.add_command(importlib.import_module(f"bench.commands.{module.name}").command)
    bench(prog_name="python -m bench")


if __name__ == "__main__":
    main()
