"""`authlab keys`: list, rotate and retire the keys that sign tokens."""

import time
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import quote

import click

from lab.commands.as_admin import acting, admin_option
from lab.commands.where import auth_url_option, find_places
from lab.output import console, print_json, print_table


@click.group(short_help="List, rotate and retire the keys that sign tokens.")
def command() -> None:
    """Manage the signing keys of the running auth server, as an admin.

    \b
    Exit codes:
      0  done
      1  the auth server refused or does not answer
      2  the command line is wrong
      3  no lab is running here (and no --auth-url was given)
    """


@command.command("list")
@admin_option
@auth_url_option
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def list_keys(user: str, auth_url: str | None, *, as_json: bool) -> None:
    """Show every key with its state: published (not signing yet), signing, or verifying (what it signed)."""
    with acting("keys list", user, partial(find_places, auth_url=auth_url)) as (admin, _):
        keys = admin.get("/admin/keys")
    if as_json:
        print_json(keys)
    else:
        _print(keys)


@command.command()
@admin_option
@auth_url_option
@click.option("--wait", is_flag=True, help="Return when the new key signs.")
@click.option("--json", "as_json", is_flag=True, help="Print the new key as JSON.")
def rotate(user: str, auth_url: str | None, *, wait: bool, as_json: bool) -> None:
    """Publish a new key. It signs once every verifier has had time to load it; the others go after their last token."""
    with acting("keys rotate", user, partial(find_places, auth_url=auth_url)) as (admin, _):
        key = admin.post("/admin/keys/rotate")
        while wait and key["state"] != "signing":
            time.sleep(0.2)
            key = next(one for one in admin.get("/admin/keys") if one["kid"] == key["kid"])
    if as_json:
        print_json(key)
    else:
        _print([key])


@command.command()
@click.argument("kid")
@admin_option
@auth_url_option
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def retire(kid: str, user: str, auth_url: str | None, *, as_json: bool) -> None:
    """Stop trusting the key KID at once. For emergencies: every token that it signed is refused."""
    with acting("keys retire", user, partial(find_places, auth_url=auth_url)) as (admin, _):
        admin.post(f"/admin/keys/{quote(kid, safe='')}/retire")
    if as_json:
        print_json({"retired": kid})
    else:
        console().print(f"{kid} is retired.")


def _print(keys: list[dict[str, Any]]) -> None:
    titles = ("kid", "algorithm", "state", "signs from", "retires at")
    rows = [
        (key["kid"], key["algorithm"], key["state"], _moment(key["signs_from"]), _moment(key["retires_at"]))
        for key in keys
    ]
    print_table(console(), titles, rows)


def _moment(seconds: float | None) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if seconds else "-"
