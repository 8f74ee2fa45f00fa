"""`python -m bench`: every file in `bench/commands/` is one command."""

import importlib
import pkgutil

import click

from bench import commands


class CommandFiles(click.Group):
    """Find commands by their file, and import only the one that was asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name every file."""
        return sorted(module.name for module in pkgutil.iter_modules(commands.__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the file of that name, if there is one."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"bench.commands.{cmd_name}").command
        return command


@click.command(cls=CommandFiles)
def bench() -> None:
    """Measure what a request costs and how stale its answer may be, for every strategy."""


if __name__ == "__main__":
    bench(prog_name="python -m bench")
