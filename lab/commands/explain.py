"""`authlab explain`: take a token apart and check its signature."""

import json
import sys
import time
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from lab.advice import advice
from lab.commands.secrets import decoded_secret
from lab.explanation import Check, Explanation, Part, SignatureCheck, explain
from lab.meanings import meaning_of_claim, meaning_of_header
from lab.output import console, print_json
from lab.signature_checks import NoKey, NoKeySet, PublicKeys, SharedSecret, key_set

_STYLES = {"passed": "green", "failed": "bold red", "not checked": "yellow", "fine": "green", "advice": "yellow"}
_STANDARD_INPUT = "-"
_COLOURS = ("red", "magenta", "cyan")


@click.command(short_help="Take a JWT apart and check its signature.")
@click.argument("token")
@click.option("--secret", help="The shared secret, as text (UTF-8).", envvar="AUTHLAB_SECRET", show_envvar=True)
@click.option("--secret-base64url", metavar="TEXT", help="The shared secret, as base64url.")
@click.option("--jwks", metavar="URL|FILE", help="A JWK Set with the public keys (Ed25519, ES256, RS256).")
@click.option("--json", "as_json", is_flag=True, help="Print the explanation as JSON.")
def command(token: str, secret: str | None, secret_base64url: str | None, jwks: str | None, *, as_json: bool) -> None:
    """Take a JWT apart: its three parts, the exact bytes signed, every claim, every check with its verdict.

    TOKEN is the token, or - to read it from standard input. Without a key everything but the signature is shown:
    a JWT is signed, not encrypted, so anyone can read it.

    \b
    Exit codes:
      0  the signature verifies
      1  it does not, or no key was given to verify it with
      2  the command line is wrong
    """
    key = decoded_secret(secret, secret_base64url)
    explanation = explain(sys.stdin.read() if token == _STANDARD_INPUT else token, _signature_check(key, jwks))
    decided = len(explanation.checks)
    explanation.checks += advice(explanation, now=time.time(), secret_bytes=None if key is None else len(key))
    if as_json:
        print_json(_as_data(explanation))
    else:
        _print(explanation, decided, console())
    sys.exit(0 if explanation.verified else 1)


def _signature_check(secret: bytes | None, jwks: str | None) -> SignatureCheck:
    if secret is not None and jwks is not None:
        raise click.UsageError("give a secret or --jwks, not both")
    if secret is not None:
        return SharedSecret(secret)
    if jwks is None:
        return NoKey()
    try:
        return PublicKeys(key_set(jwks))
    except NoKeySet as error:
        raise click.UsageError(str(error)) from error


def _as_data(explanation: Explanation) -> dict[str, Any]:
    return {
        "ok": explanation.verified,
        "header": explanation.header,
        "claims": [
            {"name": name, "value": value, "meaning": meaning_of_claim(name, value)}
            for name, value in explanation.claims.items()
        ],
        "signing_input": explanation.signing_input.decode(errors="replace"),
        "signature_hex": None if explanation.signature is None else explanation.signature.hex(),
        "checks": [{"name": check.name, "verdict": check.verdict, "why": check.why} for check in explanation.checks],
        "notes": explanation.notes,
        "encrypted": False,
    }


def _print(explanation: Explanation, decided: int, out: Console) -> None:
    out.print(".".join(_coloured(part, colour) for part, colour in zip(explanation.parts, _COLOURS, strict=False)))
    for note in explanation.notes:
        out.print(f"[yellow]note:[/] {escape(note)}")
    out.print("\nA JWT is [bold]signed, not encrypted[/]: everything below was read without any key.\n")
    for part, colour in zip(explanation.parts[:2], _COLOURS, strict=False):
        _print_members(part, colour, out)
    out.print("[bold]signed bytes[/]  the first two parts exactly as written, with the dot between")
    out.print(f"  {escape(explanation.signing_input.decode(errors='replace'))}\n")
    if explanation.signature is not None:
        out.print(f"[bold]signature[/]     {len(explanation.signature)} bytes: {explanation.signature.hex()}\n")
    _print_checks("checks", explanation.checks[:decided], out)
    _print_checks("our other rules, for this token as advice", explanation.checks[decided:], out)
    out.print(_verdict(explanation))


def _coloured(part: Part, colour: str) -> str:
    return f"[{colour}]{escape(part.text)}[/]"


def _print_members(part: Part, colour: str, out: Console) -> None:
    out.print(f"[bold {colour}]{part.name}[/]")
    if part.members is None:
        readable = "nothing can be read" if part.data is None else f"as far as it can be read: {part.data!r}"
        out.print(f"  {escape(readable)}\n")
        return
    shown = {name: json.dumps(value, ensure_ascii=False) for name, value in part.members.items()}
    widths = max(map(len, shown), default=0), min(40, max(map(len, shown.values()), default=0))
    for name, value in shown.items():
        meaning = meaning_of_header(name) if part.name == "header" else meaning_of_claim(name, part.members[name])
        out.print(f"  {escape(name.ljust(widths[0]))}  {escape(value.ljust(widths[1]))}  [dim]{escape(meaning)}[/]")
    out.print()


def _print_checks(title: str, checks: list[Check], out: Console) -> None:
    out.print(f"[bold]{title}[/]")
    for check in checks:
        out.print(f"  [{_STYLES[check.verdict]}]{check.verdict:<12}[/] {escape(check.name):<15} {escape(check.why)}")
    out.print()


def _verdict(explanation: Explanation) -> str:
    if explanation.verified:
        return "[bold green]The signature verifies:[/] a holder of the key made exactly these bytes."
    deciding = next(check for check in explanation.checks if check.verdict in {"failed", "not checked"})
    if deciding.verdict == "not checked":
        return "[bold yellow]Not verified:[/] no key was given. Nothing that it says may be believed."
    return f"[bold red]Refused[/] by the check [bold]{escape(deciding.name)}[/]: {escape(deciding.why)}"
