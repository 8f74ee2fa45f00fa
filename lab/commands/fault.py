"""`authlab fault`: break the way to a store or to the auth server, and heal it."""

import sys
from collections.abc import Callable

import click

from lab.commands.failures import one_line_failures
from lab.fault_proxy_client import FaultControl
from lab.output import console, print_json
from lab.places import Places
from lab.state import LabDirectory

KINDS = ("off", "hung", "slow", "cut", "heal", "status")


@click.command(short_help="Break the way to a store or to the auth server, and heal it.")
@click.argument("target")
@click.argument("kind", type=click.Choice(KINDS))
@click.option(
    "--delay-ms", type=click.FloatRange(0, 10_000), default=150.0, show_default=True, help="For slow: a trip."
)
@click.option("--for", "for_s", type=click.FloatRange(0.1, 3600), default=120.0, show_default=True, help="Heals after.")
@click.option("--json", "as_json", is_flag=True, help="Print what the proxy says as JSON.")
def command(target: str, kind: str, delay_ms: float, for_s: float, *, as_json: bool) -> None:
    """Break the way to TARGET: redis-auth, redis-sessions, auth, or feed (with `authlab up --all`).

    \b
    off     refuse connections and reset those there are
    hung    accept connections and pass nothing
    slow    add --delay-ms to each round trip
    cut     reset every connection once
    heal    end every fault
    status  only tell what is wrong

    Every fault heals by itself after --for seconds.

    \b
    Exit codes:
      0  done
      1  the proxy does not answer
      2  there is no fault proxy in front of TARGET
      3  no lab runs here
    """
    with one_line_failures("fault"):
        proxies = Places.of_running_system(LabDirectory()).fault_proxies
    if target not in proxies:
        known = ", ".join(proxies) or "none: they belong to `authlab up`, and in containers to the page"
        raise click.BadParameter(
            f"there is no fault proxy in front of {target}; there are {known}", param_hint="TARGET"
        )
    host, port = proxies[target]
    control = FaultControl(port, host=host)
    try:
        _command(control, delay_ms, for_s)[kind]()
        said = control.status()
    except OSError as error:
        console(to_stderr=True).print(f"authlab fault: the proxy in front of {target} does not answer: {error}")
        sys.exit(1)
    if as_json:
        print_json({"target": target, **said})
    else:
        console().print(f"{target}: {_described(said)}")


def _command(control: FaultControl, delay_ms: float, for_s: float) -> dict[str, Callable[[], object]]:
    half = delay_ms / 2
    return {
        "off": lambda: control.refuse(for_s=for_s),
        "hung": lambda: control.hang(for_s=for_s),
        "slow": lambda: control.delay(to_server_ms=half, to_client_ms=half, for_s=for_s),
        "cut": control.cut,
        "heal": control.heal,
        "status": lambda: None,
    }


def _described(said: dict[str, float | str | None]) -> str:
    delay_ms = float(said["to_server_ms"] or 0) + float(said["to_client_ms"] or 0)
    parts = [{"refuse": "off", "hang": "hung"}.get(str(said["fault"]), "")] if said["fault"] else []
    parts += [f"slow by {delay_ms:g} ms a round trip"] if delay_ms else []
    return ", ".join(filter(None, parts)) or "nothing is wrong"
