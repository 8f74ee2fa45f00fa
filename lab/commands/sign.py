"""`authlab sign`: build a token by hand, step by step, as `explain` takes one apart."""

import click
from rich.markup import escape

from core.strict_json import NotStrict, json_object
from lab.by_hand import base64url_encode, compact_json, hmac_sha256
from lab.commands.secrets import decoded_secret
from lab.output import console, print_json


@click.command(short_help="Build and sign a JWT by hand, step by step.")
@click.option("--secret", help="The shared secret, as text (UTF-8).", envvar="AUTHLAB_SECRET", show_envvar=True)
@click.option("--secret-base64url", metavar="TEXT", help="The shared secret, as base64url.")
@click.option("--claims", required=True, metavar="JSON", help="The payload: a JSON object.")
@click.option("--kid", help="Name the key in the header.")
@click.option("--typ", default="JWT", show_default=True, help="The kind of token; our access tokens are at+jwt.")
@click.option("--json", "as_json", is_flag=True, help="Print every step as JSON.")
def command(
    secret: str | None, secret_base64url: str | None, claims: str, kid: str | None, typ: str, *, as_json: bool
) -> None:
    """Build a JWT signed with HS256, step by step, in a few plain lines of Python.

    The token alone goes to standard output, the steps go to standard error; so $(authlab sign …) is the token.

    \b
    Exit codes:
      0  the token was built
      2  the command line is wrong
    """
    key = decoded_secret(secret, secret_base64url)
    if key is None:
        raise click.UsageError("give --secret or --secret-base64url")
    header_json = compact_json({"alg": "HS256", **({"kid": kid} if kid else {}), "typ": typ})
    payload_json = compact_json(_object(claims))
    signing_input = f"{base64url_encode(header_json)}.{base64url_encode(payload_json)}"
    mac = hmac_sha256(key, signing_input.encode())
    token = f"{signing_input}.{base64url_encode(mac)}"
    steps = {
        "header": header_json.decode(),
        "payload": payload_json.decode(),
        "signing_input": signing_input,
        "mac_hex": mac.hex(),
        "token": token,
    }
    if as_json:
        print_json(steps)
        return
    _print(steps)
    click.echo(token)


def _object(claims: str) -> dict[str, object]:
    try:
        return json_object(claims.encode())
    except (NotStrict, UnicodeEncodeError) as error:
        raise click.UsageError(f"--claims is not one JSON object with one meaning ({error})") from error


def _print(steps: dict[str, str]) -> None:
    out = console(to_stderr=True)
    for number, (title, key) in enumerate(
        (
            ("header, as JSON without spaces", "header"),
            ("payload, the same way", "payload"),
            ("both as base64url with a dot between: the bytes to sign", "signing_input"),
            ("HMAC-SHA256 of those bytes under the secret", "mac_hex"),
        ),
        start=1,
    ):
        out.print(f"[bold]{number}. {title}[/]\n   {escape(steps[key])}")
    out.print("[bold]5. the MAC as base64url behind a second dot: the token.[/] It is signed, not encrypted.")
