"""Run a server from the environment, on one listening socket, with one or several workers, until told to stop."""

import argparse
import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Callable
from typing import NoReturn, TypeVar

from aiohttp import web

from core.background import running_beside
from core.logs import audit, configure_logs
from core.out_of_memory import end_when_out_of_memory
from core.service import FRAME, listen, serving, why_not_ready
from core.settings import ServerSettings, SettingsError, load
from core.worker_metrics import sharing_metrics
from core.workers import PULSE_EVERY_S, WRONG_SETTINGS, Worker, supervise

try:
    import uvloop
except ImportError:  # there is none for this platform
    uvloop = None  # type: ignore[assignment] # so that one name tells

DRAIN_S = 1.25
"""How long a stopping server still takes new connections, telling everyone to go."""
PATIENCE_S = 2.0
"""How long a worker waits until it is ready before it takes requests all the same, to say that it is not."""
_LOOP_FACTORY = asyncio.new_event_loop if uvloop is None else uvloop.new_event_loop

S = TypeVar("S", bound=ServerSettings)


def main(program: str, settings_type: type[S], create_app: Callable[[S], web.Application]) -> NoReturn:
    """Run one server from the environment alone. Exit codes: 0 stopped, 1 cannot listen, 2 wrong settings."""
    options = _options(program)
    try:
        settings = load(settings_type, overrides=options.overrides)
        app = create_app(settings)
    except SettingsError as error:
        _give_up(f"{program}: {error}", WRONG_SETTINGS)
    worker = options.worker
    try:
        listening = worker.listening() if worker is not None else listen(settings.host, settings.port)
    except OSError as error:
        _give_up(f"{program}: cannot listen on {settings.host}:{settings.port}: {error.strerror}", 1)
    writer = configure_logs(server=settings.name or program, level=settings.log_level, log_format=settings.log_format)
    dropped = "Lines of the log that its sink did not take."
    app[FRAME].metrics.counter("authlab_log_lines_dropped", dropped, lambda: writer.dropped)
    try:
        if worker is None and settings.workers > 1:
            sys.exit(supervise(program, settings.workers, listening))
        with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=_LOOP_FACTORY) as runner:
            runner.run(_serve_until_told(app, listening, worker))
    except SettingsError as error:
        writer.close()
        _give_up(f"{program}: {error}", WRONG_SETTINGS)
    finally:
        writer.close()
    sys.exit(0)


async def _serve_until_told(app: web.Application, listening: socket.socket, worker: Worker | None) -> None:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(end_when_out_of_memory)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    if worker is not None:
        loop.add_signal_handler(signal.SIGHUP, lambda: None)  # a terminal tells everyone; it is for the supervisor
        loop.add_reader(worker.parent_fd, told.set)  # readable at its end only: when the supervisor is gone
    patience_s = 0.0 if worker is None else PATIENCE_S
    async with (
        serving(app, listening, drain_s=DRAIN_S, patience_s=patience_s),
        sharing_metrics(app[FRAME], worker),
        running_beside(_give_pulses(app, worker)),
    ):
        audit.info("server.started", port=listening.getsockname()[1])
        await told.wait()
        if worker is not None:
            loop.remove_reader(worker.parent_fd)
        audit.info("server.draining")
    audit.info("server.stopped")


async def _give_pulses(app: web.Application, worker: Worker | None) -> None:
    """Show the supervisor that the event loop turns, and whether this worker is ready."""
    while worker is not None:
        worker.give_pulse(is_ready=why_not_ready(app) is None)
        await asyncio.sleep(PULSE_EVERY_S)


class _Options:
    """What the command line said."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.overrides = {} if arguments.workers is None else {"WORKERS": str(arguments.workers)}
        self.worker = None if arguments.worker is None else Worker.from_text(arguments.worker)


def _options(program: str) -> _Options:
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description="All settings come from the environment.")
    parser.add_argument("--workers", type=int, help="processes that serve together; instead of WORKERS")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    return _Options(parser.parse_args())


def _give_up(line: str, code: int) -> NoReturn:
    sys.stderr.write(" ".join(line.split()) + "\n")
    sys.exit(code)
