"""The options that say where the servers are, when it is not the lab of this directory."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from lab.places import Places, read_secret
from lab.state import LabDirectory

F = TypeVar("F", bound=Callable[..., Any])

_STRATEGY_OPTIONS = {
    "resource": "plain-jwt",
    "session": "redis-session",
    "memory": "memory-session",
    "denylisted": "denylisted-jwt",
    "pushed": "pushed-jwt",
    "introspected": "introspected-token",
    "tracked": "tracked-session",
}


def auth_url_option(command: F) -> F:
    """Let a command be told where the auth server is."""
    return click.option("--auth-url", metavar="URL", help="The auth server, if not the running lab's.")(command)


def server_url_options(*names: str) -> Callable[[F], F]:
    """Let a command be told where the servers of some strategies are, each option several times."""

    def add(command: F) -> F:
        for name in reversed(names or tuple(_STRATEGY_OPTIONS)):
            text = f"Server of {_STRATEGY_OPTIONS[name]}; may be repeated."
            command = click.option(f"--{name}-url", metavar="URL", multiple=True, help=text)(command)
        return command

    return add


def find_places(
    *,
    auth_url: str | None,
    redis_auth_url: str | None = None,
    redis_sessions_url: str | None = None,
    lab_secret_file: Path | None = None,
    shared_secret_file: Path | None = None,
    fault_proxies: tuple[str, ...] = (),
    **urls: tuple[str, ...],
) -> Places:
    """Return where everything is: as told, else where a system runs. Raises `NotRunning`.

    `urls` are the values of `server_url_options`. With an auth server told, the lab of this directory is not looked at:
    the addresses would belong to two systems.
    """
    base = Places() if auth_url else Places.of_running_system(LabDirectory())
    places = base.told(auth_url, {_STRATEGY_OPTIONS[name.removesuffix("_url")]: some for name, some in urls.items()})
    return replace(
        places,
        redis_auth=redis_auth_url or places.redis_auth,
        redis_sessions=redis_sessions_url or places.redis_sessions,
        lab_secret=read_secret(lab_secret_file) if lab_secret_file else places.lab_secret,
        shared_secret=shared_secret_file or places.shared_secret,
        fault_proxies=dict(map(_fault_proxy, fault_proxies)) or places.fault_proxies,
    )


def _fault_proxy(written: str) -> tuple[str, tuple[str, int]]:
    target, _, address = written.partition("=")
    host, _, port = address.rpartition(":")
    if not (target and host and port.isdecimal()):
        raise click.UsageError(f"{written} is not TARGET=HOST:PORT")
    return target, (host, int(port))
