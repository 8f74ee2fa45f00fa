"""`authlab call`: send one request with the kept credential."""

import json
import sys
from http import HTTPStatus

import click
from rich.markup import escape

from lab.commands.failures import one_line_failures
from lab.keychain import Keychain, side_of
from lab.output import console, print_json
from lab.places import NotRunning, Places
from lab.state import LabDirectory
from lab.transcript import answer_text, request_text
from lab.wire import Exchange, exchange

_OK = range(200, 300)


@click.command(short_help="Send one request with the kept credential.")
@click.argument("target")
@click.option("-X", "--method", help="GET, or POST when there is data.")
@click.option("-d", "--data", metavar="JSON", help="The body.")
@click.option("-v", "--verbose", is_flag=True, help="Show both messages raw, credentials shortened.")
@click.option("--anonymous", is_flag=True, help="Send no credential.")
@click.option("--json", "as_json", is_flag=True, help="Print status, headers and body as JSON.")
def command(
    target: str, method: str | None, data: str | None, *, verbose: bool, anonymous: bool, as_json: bool
) -> None:
    """Send a request to TARGET: the name of a server and a path (resource-1/me), or an address.

    The credential of `authlab login` goes along: the token to resource servers and the auth server, the cookie of
    its side to session servers, with X-CSRF-Token where something is changed. An address gets a credential only when it
    belongs to the running lab.

    \b
    Examples:
      authlab call resource-1/me
      authlab call session-2/orders -d '{"item": "pears", "quantity": 2}' -v

    \b
    Exit codes:
      0  the answer is 2xx
      1  it is not, or there is none
      2  the command line is wrong
      3  no lab is running here
    """
    with one_line_failures("call"):
        verb = (method or ("GET" if data is None else "POST")).upper()
        url, side = _resolve(target)
        kept = None if anonymous or side is None else Keychain(LabDirectory()).find(side)
        headers = kept.credential.headers(verb) if kept else {}
        if data is not None:
            headers["Content-Type"] = "application/json"
        answer = exchange(verb, url, headers=headers, body=(data or "").encode())
    if as_json:
        print_json({"status": answer.status, "headers": answer.headers, "body": _body(answer)})
    elif verbose:
        console().print(f"{escape(request_text(answer))}\n\n{escape(answer_text(answer))}")
    else:
        click.echo(answer.body.decode("utf-8", "replace"))
        console(to_stderr=True).print(f"[dim]{answer.status} from {escape(url)}[/]")
        if answer.status == HTTPStatus.UNAUTHORIZED and kept is None and side is not None and not anonymous:
            console(to_stderr=True).print(f"Nobody is logged in there: authlab login --side {side}")
    sys.exit(0 if answer.status in _OK else 1)


def _resolve(target: str) -> tuple[str, str | None]:
    """Return the URL and the side whose credential belongs to it; None for a server that is not of the lab."""
    try:
        places = Places.of_running_system(LabDirectory())
    except NotRunning:
        if "://" in target:
            return target, None
        raise
    for server in places.all():
        for start in (server.name, server.url):
            if target == start or target.startswith(f"{start}/"):
                return server.url + (target.removeprefix(start) or "/"), side_of(places.strategy_of(server))
    if "://" in target:
        return target, None
    raise NotRunning(f"no server called {target.partition('/')[0]} is running; see authlab status")


def _body(answer: Exchange) -> object:
    try:
        return json.loads(answer.body)
    except ValueError:
        return answer.body.decode("utf-8", "replace")
