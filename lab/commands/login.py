"""`authlab login`: log in on one side and keep the credential for `call`."""

from collections.abc import Iterable

import click

from lab.clients import session_login, token_login
from lab.commands.failures import one_line_failures
from lab.commands.passwords import password_for
from lab.keychain import SIDES, Kept, Keychain
from lab.output import console, print_json
from lab.places import NotRunning, Places, Server
from lab.state import LabDirectory
from lab.transcript import shortened


@click.command(short_help="Log in on one side and keep the credential for `call`.")
@click.argument("username", default="alice")
@click.option("--side", type=click.Choice(list(SIDES)), default="token", show_default=True, help="What to log in for.")
@click.option("--opaque", is_flag=True, help="An opaque token instead of a JWT.")
@click.option("--url", help="The server to log in at, if not the running lab's first of that side.")
@click.option("--json", "as_json", is_flag=True, help="Print what was kept as JSON, without the credential itself.")
def command(username: str, side: str, *, opaque: bool, url: str | None, as_json: bool) -> None:
    """Log USERNAME in (default alice) and keep the token or the cookie in ./.authlab, for your eyes only.

    The password comes from AUTHLAB_PASSWORD, for a demo account from the docs, else you are asked.

    \b
    Exit codes:
      0  logged in
      1  refused, or the server does not answer
      3  no lab is running here, or not the servers of that side
    """
    with one_line_failures("login"):
        directory = LabDirectory()
        server_url = (url or _first(directory, side).url).rstrip("/")
        password = password_for(username, variable="AUTHLAB_PASSWORD")
        if side == "token":
            more = {"token_format": "opaque"} if opaque else {}
            token = token_login(server_url, username, password, **more)
            kept, shown = Kept(username, server_url, token), shortened(token.access_token)
        else:
            session = session_login(server_url, username, password)
            kept, shown = Kept(username, server_url, session), shortened(session.cookie)
        Keychain(directory).keep(side, kept)
    if as_json:
        print_json({"username": username, "side": side, "url": server_url})
    else:
        console().print(f"{username} is logged in at {server_url}: {shown}\nNext: authlab call {_example(side)}")


def _first(directory: LabDirectory, side: str) -> Server:
    places = Places.of_running_system(directory)
    strategy = SIDES[side]
    candidates: Iterable[Server | None] = [places.auth] if strategy is None else places.at(strategy)
    first = next(iter(candidates), None)
    if first is None:
        raise NotRunning(f"no {strategy} server is running; start it with: authlab up --all")
    return first


def _example(side: str) -> str:
    return {"token": "resource-1/me", "session": "session-2/me", "memory": "memory-1/me"}.get(side, f"{side}-2/me")
