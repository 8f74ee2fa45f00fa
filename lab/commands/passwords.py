"""Where a command gets a password from; never from its command line, which other users of the machine can read."""

import os

import click

from core.accounts import DEMO_PASSWORDS


def password_for(username: str, *, variable: str) -> str:
    """Return the password from an environment variable, the demo's for a demo account, else what the user types."""
    given = os.environ.get(variable) or DEMO_PASSWORDS.get(username)
    return given or str(click.prompt(f"password of {username}", hide_input=True, err=True))
