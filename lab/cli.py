"""The command `authlab`. Each command is imported when it is asked for, so that small ones start fast."""

import importlib

import click

_SECTIONS = {
    "The system": {
        "up": "lab.commands.up",
        "down": "lab.commands.down",
        "status": "lab.commands.status",
        "doctor": "lab.commands.doctor",
        "healthcheck": "lab.commands.healthcheck",
    },
    "What to do with it": {
        "tour": "lab.commands.tour",
        "login": "lab.commands.login",
        "call": "lab.commands.call",
        "logout": "lab.commands.logout",
        "keys": "lab.commands.keys",
        "accounts": "lab.commands.accounts",
        "fault": "lab.commands.fault",
    },
    "Tokens by hand": {
        "explain": "lab.commands.explain",
        "sign": "lab.commands.sign",
    },
}
_COMMANDS = {name: module for section in _SECTIONS.values() for name, module in section.items()}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(_COMMANDS[cmd_name]).command
        command.name = cmd_name
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, names in _SECTIONS.items():
            commands = [(name, self.get_command(ctx, name)) for name in names]
            with formatter.section(title):
                formatter.write_dl([(name, one.get_short_help_str(90)) for name, one in commands if one is not None])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="authlab")
def main() -> None:
    """Server sessions or JWTs? Run both, side by side, and see what each costs and how stale its answers may be.

    \b
    Start here:
      authlab up --detach     Redis and every server, each a process of its own
      authlab tour            both flows, step by step, with the real messages
      authlab down            stop everything

    What runs keeps its state, logs and secrets in ./.authlab (or in AUTHLAB_DIR). Most commands take --json.
    Every command and group lists its exit codes under --help. NO_COLOR is honoured.
    """


if __name__ == "__main__":
    main()
