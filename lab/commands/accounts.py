"""`authlab accounts`: manage who may log in."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

import click
from rich.markup import escape

from lab.admin import session_stores
from lab.commands.as_admin import acting, admin_option
from lab.commands.where import auth_url_option, find_places, server_url_options
from lab.output import console, print_json, print_table

F = TypeVar("F", bound=Callable[..., Any])


@click.group(short_help="Manage who may log in.")
def command() -> None:
    """Manage the accounts of the running system, as an admin.

    A change is effective at once for new credentials, and ends the account's logins and sessions. What was handed out
    before shows the staleness of its strategy.

    \b
    Exit codes:
      0  done
      1  a server refused or does not answer
      2  the command line is wrong
      3  no lab is running here (and no --auth-url was given)
    """


def _everywhere(function: F) -> F:
    """Let a change be told where the auth server and the session servers are."""
    for option in (server_url_options("session", "memory", "tracked"), auth_url_option, admin_option):
        function = option(function)
    return function


@command.command("list")
@admin_option
@auth_url_option
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def list_accounts(user: str, auth_url: str | None, *, as_json: bool) -> None:
    """Show every account."""
    with acting("accounts list", user, partial(find_places, auth_url=auth_url)) as (admin, _):
        accounts = admin.get("/admin/accounts")
    if as_json:
        print_json(accounts)
    else:
        _print(accounts)


@command.command()
@click.argument("username")
@click.option("--name", help="A name to show; the user name if not given.")
@click.option("--role", "roles", multiple=True, default=["user"], show_default=True, help="May be repeated.")
@click.option("--scope", "scopes", multiple=True, default=["orders:read"], show_default=True, help="May be repeated.")
@admin_option
@auth_url_option
@click.option("--json", "as_json", is_flag=True, help="Print the account as JSON.")
def add(
    username: str,
    name: str | None,
    roles: tuple[str, ...],
    scopes: tuple[str, ...],
    user: str,
    auth_url: str | None,
    *,
    as_json: bool,
) -> None:
    """Add the account USERNAME. Its password comes from AUTHLAB_NEW_PASSWORD, else you are asked."""
    new = {
        "username": username,
        "name": name or username,
        "roles": roles,
        "scopes": scopes,
        "password": _new_password(),
    }
    with acting("accounts add", user, partial(find_places, auth_url=auth_url)) as (admin, _):
        account = admin.post("/admin/accounts", new)
    _show(account, as_json=as_json)


@command.command("set-roles")
@click.argument("username")
@click.argument("roles", nargs=-1, required=True)
@_everywhere
@click.option("--json", "as_json", is_flag=True, help="Print the account as JSON.")
def set_roles(username: str, roles: tuple[str, ...], user: str, *, as_json: bool, **where: Any) -> None:
    """Replace the roles of USERNAME by ROLES, and end its logins and sessions."""
    _change("set-roles", username, "roles", {"roles": roles}, user=user, as_json=as_json, where=where)


@command.command("set-password")
@click.argument("username")
@_everywhere
@click.option("--json", "as_json", is_flag=True, help="Print the account as JSON.")
def set_password(username: str, user: str, *, as_json: bool, **where: Any) -> None:
    """Replace the password of USERNAME (from AUTHLAB_NEW_PASSWORD, else you are asked); end its logins and sessions."""
    value = {"password": _new_password()}
    _change("set-password", username, "password", value, user=user, as_json=as_json, where=where)


@command.command()
@click.argument("username")
@_everywhere
@click.option("--json", "as_json", is_flag=True, help="Print the account as JSON.")
def disable(username: str, user: str, *, as_json: bool, **where: Any) -> None:
    """Let USERNAME log in no more, and end its logins and sessions."""
    _change("disable", username, "disable", None, user=user, as_json=as_json, where=where)


def _change(
    command_name: str, username: str, what: str, value: Any, *, user: str, as_json: bool, where: dict[str, Any]
) -> None:
    with (
        acting(f"accounts {command_name}", user, partial(find_places, **where)) as (admin, places),
        admin.sessions_at(session_stores(places)) as sessions,
    ):
        account = admin.post(f"/admin/accounts/{quote(username, safe='')}/{what}", value)
        for session in sessions:
            session.end_all_of(username)
    _show(account, as_json=as_json)


def _new_password() -> str:
    return os.environ.get("AUTHLAB_NEW_PASSWORD") or str(
        click.prompt("new password", hide_input=True, confirmation_prompt=True, err=True)
    )


def _show(account: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(account)
    else:
        _print([account])


def _print(accounts: list[dict[str, Any]]) -> None:
    rows = [
        (
            one["username"],
            escape(one["name"]),
            " ".join(one["roles"]),
            " ".join(one["scopes"]),
            "disabled" if one["disabled"] else "active",
        )
        for one in accounts
    ]
    print_table(console(), ("user name", "name", "roles", "scopes", "state"), rows)
