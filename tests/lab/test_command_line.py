"""The command line as a whole: it explains itself, and starts fast where it must."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from lab.cli import main

COMMANDS = sorted(main.list_commands(None))  # type: ignore[arg-type] # no context is needed to list ours


def test_the_help_names_every_command() -> None:
    shown = CliRunner().invoke(main, ["--help"]).stdout
    for name in COMMANDS:
        assert f"\n  {name} " in shown


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_documents_its_exit_codes(name: str) -> None:
    shown = CliRunner().invoke(main, [name, "--help"])
    assert shown.exit_code == 0
    assert "Exit codes:\n    0  " in shown.stdout


def test_an_unknown_command_is_a_usage_error() -> None:
    assert CliRunner().invoke(main, ["dance"]).exit_code == 2


def test_the_health_check_loads_no_heavy_library() -> None:
    """A container engine starts it every few seconds for each server."""
    program = (
        "import sys; from lab.cli import main\n"
        "try: main(['healthcheck', 'http://127.0.0.1:1'])\n"
        "except SystemExit: print({'aiohttp', 'rich', 'redis', 'psutil', 'jwt'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_no_colour_goes_to_a_pipe() -> None:
    assert "\x1b" not in CliRunner().invoke(main, ["explain", "a.b.c"]).stdout
