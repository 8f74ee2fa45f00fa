"""The options and the login that `keys` and `accounts` have in common."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from lab.admin import Admin
from lab.commands.failures import one_line_failures
from lab.commands.passwords import password_for
from lab.places import NotRunning, Places

F = TypeVar("F", bound=Callable[..., Any])


def admin_option(command: F) -> F:
    """Let a command be told which admin acts."""
    return click.option(
        "--user", default="root", show_default=True, help="The admin; the password comes from AUTHLAB_ADMIN_PASSWORD."
    )(command)


@contextmanager
def acting(command: str, user: str, find: Callable[[], Places]) -> Iterator[tuple[Admin, Places]]:
    """Log in as an admin, and out again; failures become one line and an exit code."""
    with one_line_failures(command):
        places = find()
        if places.auth is None:
            raise NotRunning
        admin = Admin(places.auth.url, user, password_for(user, variable="AUTHLAB_ADMIN_PASSWORD"))
        yield admin, places
        admin.log_out()
