"""`authlab doctor`: find out what would keep the lab from running here."""

import os
import platform
import resource
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata

import click
from rich.markup import escape

from lab.observation import Observation, observe, redis_answers, without_password
from lab.output import console, print_json
from lab.ports import taken_ports
from lab.processes import NoRedis, find_redis_server
from lab.state import LabDirectory
from lab.topology import OFFSET_VARIABLE, Choices, Secrets, Stores, servers

_MIN_PYTHON = (3, 11)
_MIN_OPEN_FILES = 256
_LIBRARIES = ("aiohttp", "argon2-cffi", "cryptography", "hiredis", "pyjwt", "redis", "structlog", "uvloop")
_WITHOUT = {"uvloop": "slower, but fine"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    ok: bool
    what: str


@click.command(short_help="Find out what would keep the lab from running here.")
@click.option(
    "--port-offset", type=click.IntRange(0, 50000), default=0, envvar=OFFSET_VARIABLE, show_envvar=True,
    help="As for `up`.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def command(port_offset: int, *, as_json: bool) -> None:
    """Look at Python, the libraries, Redis, the ports, and the lab that runs, if one does.

    \b
    Exit codes:
      0  nothing is in the way
      1  something is; its line says what to do
    """
    findings = list(_findings(LabDirectory(), port_offset))
    ok = all(finding.ok for finding in findings)
    if as_json:
        print_json({"ok": ok, "findings": [asdict(finding) for finding in findings]})
    else:
        out = console()
        for finding in findings:
            mark = "[green]ok [/]" if finding.ok else "[bold red]no [/]"
            out.print(f"{mark} {finding.name:<10} {escape(finding.what)}")
        out.print("\nNothing is in the way." if ok else "\nSee the lines marked no.")
    sys.exit(0 if ok else 1)


def _findings(directory: LabDirectory, port_offset: int) -> Iterator[Finding]:
    yield _judged("python", f"{platform.python_version()} on {platform.platform()}", ok=sys.version_info >= _MIN_PYTHON)
    yield from (_library(name) for name in _LIBRARIES)
    yield from _redis()
    state = directory.running()
    yield _ports(directory, port_offset) if state is None else _lab(observe(state), directory)
    yield _open_files()
    yield _writable(directory)


def _judged(name: str, what: str, *, ok: bool) -> Finding:
    return Finding(name, ok, what)


def _library(name: str) -> Finding:
    try:
        return _judged(name, metadata.version(name), ok=True)
    except metadata.PackageNotFoundError:
        return _judged(name, _WITHOUT.get(name, "is missing: pip install -e ."), ok=name in _WITHOUT)


def _redis() -> Iterator[Finding]:
    given = {variable: url for variable in ("AUTH_REDIS_URL", "SESSION_REDIS_URL") if (url := os.environ.get(variable))}
    for variable, url in given.items():
        answers = redis_answers(url)
        word = "answers" if answers else "does not answer"
        yield _judged("redis", f"{variable} {without_password(url)} {word}", ok=answers)
    try:
        yield _judged("redis", str(find_redis_server()), ok=True)
    except NoRedis as error:
        yield _judged("redis", str(error), ok=len(given) == 2)  # noqa: PLR2004 - both given, so none is started


def _ports(directory: LabDirectory, port_offset: int) -> Finding:
    choices = Choices(everything=True, port_offset=port_offset)
    planned = servers(choices, Stores("", ""), Secrets(directory.secrets))
    taken = taken_ports({plan.port: plan.name for plan in planned})
    free = f"{planned[0].port} to {max(plan.port for plan in planned)}: ours are free; start with: authlab up"
    return _judged("ports", "; ".join(taken.values()) or free, ok=not taken)


def _lab(seen: Observation, directory: LabDirectory) -> Finding:
    late = [server.name for server, ready in seen.servers if not ready]
    late += [redis.name for redis, ready in seen.redis if not ready]
    if late:
        return _judged("lab", f"not ready: {', '.join(late)}; look into {directory.logs}", ok=False)
    return _judged("lab", "running, everything is ready", ok=True)


def _open_files() -> Finding:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit >= _MIN_OPEN_FILES or limit == resource.RLIM_INFINITY:
        return _judged("files", f"{limit} may be open", ok=True)
    return _judged("files", f"only {limit} may be open: ulimit -n 1024", ok=False)


def _writable(directory: LabDirectory) -> Finding:
    nearest = next(path for path in (directory.path, *directory.path.parents) if path.exists())
    if os.access(nearest, os.W_OK):
        return _judged("directory", str(directory.path), ok=True)
    return _judged("directory", f"{nearest} cannot be written; set AUTHLAB_DIR", ok=False)
