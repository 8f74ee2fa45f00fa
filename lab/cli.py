"""The command `authlab`. Each command is imported when it is asked for, so that small ones start fast."""

import importlib

import click

_COMMANDS = {
    "explain": "lab.commands.explain",
    "sign": "lab.commands.sign",
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(_COMMANDS[cmd_name]).command
        return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="authlab")
def main() -> None:
    """Server sessions or JWTs? Run both and see."""


if __name__ == "__main__":
    main()
