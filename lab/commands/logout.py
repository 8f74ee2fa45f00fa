"""`authlab logout`: end the kept login and forget the credential."""

import sys
from http import HTTPStatus

import click

from lab.clients import Refused, must
from lab.commands.failures import one_line_failures
from lab.keychain import SIDES, Keychain
from lab.output import console, print_json
from lab.state import LabDirectory


@click.command(short_help="End the kept login and forget the credential.")
@click.option("--side", type=click.Choice(list(SIDES)), default="token", show_default=True, help="Which login to end.")
@click.option("--everywhere", is_flag=True, help="End every login of the account on that side.")
@click.option("--keep", is_flag=True, help="Keep the ended credential, to see who still accepts it.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def command(side: str, *, everywhere: bool, keep: bool, as_json: bool) -> None:
    """Tell the server that gave the credential to end it, then forget it here.

    \b
    Exit codes:
      0  it is ended
      1  the server refused or does not answer, or nobody is logged in
    """
    keychain = Keychain(LabDirectory())
    kept = keychain.find(side)
    if kept is None:
        console(to_stderr=True).print(f"Nobody is logged in on the side {side}.")
        sys.exit(1)
    with one_line_failures("logout"):
        path = "/logout-everywhere" if everywhere else "/logout"
        try:
            must(kept.credential, "POST", kept.issuer_url + path)
        except Refused as refused:
            if refused.answer.status == HTTPStatus.UNAUTHORIZED and not keep:  # it is over already
                keychain.forget(side)
            raise
    if not keep:
        keychain.forget(side)
    if as_json:
        print_json({"username": kept.username, "side": side, "everywhere": everywhere})
    else:
        console().print(f"{kept.username} is logged out at {kept.issuer_url}{' everywhere' if everywhere else ''}.")
