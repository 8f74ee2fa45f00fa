"""`advise`: what a system of a given size needs, from measured constants."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bench.advice import BUSY, TOUCH_INTERVAL_S, Advice, System, advise
from bench.quotes import RESULTS, newest_result
from bench.result import Result
from bench.result_file import ResultRefused, read_result

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
_STEP = 1000
_WIDTH = 120


@click.command(name="advise")
@click.option("--users", type=click.IntRange(min=1), required=True, help="Callers who are logged in.")
@click.option("--rps", type=click.FloatRange(min=0, min_open=True), required=True, help="Requests per second in all.")
@click.option("--ttl", type=click.FloatRange(min=1), default=300, show_default=True, help="Access token life, s.")
@click.option("--rtt-ms", type=click.FloatRange(min=0), default=1, show_default=True, help="To the store and back.")
@click.option("--regions", type=click.IntRange(min=1), default=1, show_default=True, help="The store is in one.")
@click.option("--region-rtt-ms", type=click.FloatRange(min=0), default=80, show_default=True, help="Between regions.")
@click.option("--result", "result_file", type=click.Path(dir_okay=False, path_type=Path), help="By default the newest.")
def command(
    *, users: int, rps: float, ttl: float, rtt_ms: float, regions: int, region_rtt_ms: float, result_file: Path | None
) -> None:
    """Size a system for every strategy, from a laptop to a million requests per second."""
    path = result_file or newest_result(RESULTS)
    if path is None:
        raise click.UsageError("no published result here: give --result FILE (python -m bench run makes one)")
    try:
        result = read_result(path)
    except ResultRefused as error:
        raise click.ClickException(str(error)) from error
    system = System(users, rps, ttl, rtt_ms, regions, region_rtt_ms)
    advice = advise(result, system)
    console = Console(width=max(Console().width, _WIDTH))
    for table in (_sizes(advice), _consequences(advice)):
        console.print(table)
        console.print()
    console.print("[bold]Assumed[/bold]")
    for assumption in _assumptions(result, system, path):
        console.print(f"- {assumption}", soft_wrap=True)


def _sizes(advice: Sequence[Advice]) -> Table:
    heads = ("strategy", "lookups/s", "store cores", "store memory", "server cores", "wire/day", "refreshes/s", "p50")
    table = Table(*heads, box=None, header_style="bold")
    for one in advice:
        table.add_row(
            one.strategy,
            f"{one.lookups_per_s:,.0f}",
            f"{one.store_cores:.2f}" + (f" in {one.stores}" if one.stores > 1 else ""),
            "-" if one.store_bytes is None else show_bytes(one.store_bytes),
            f"{one.server_cores:.2f} of {one.servers}",
            show_bytes(one.wire_bytes_per_day),
            f"{one.refreshes_per_s:,.1f}",
            f"{one.median_latency_ms:.1f} ms",
        )
    return table


def _consequences(advice: Sequence[Advice]) -> Table:
    table = Table("strategy", "a logout counts", "without its store", box=None, header_style="bold")
    for one in advice:
        table.add_row(one.strategy, one.lag, one.without_its_store)
    return table


def show_bytes(value: float) -> str:
    """Write a number of bytes with the unit that suits it."""
    for unit in _UNITS[:-1]:
        if abs(value) < _STEP:
            return f"{value:.3g} {unit}"
        value /= _STEP
    return f"{value:.3g} {_UNITS[-1]}"


def _assumptions(result: Result, system: System, path: Path) -> Iterable[str]:
    machine = result.machine
    store = f"Redis {machine.get('redis_version', 'unknown')}"
    yield f"Constants from {path.name}: {machine['cpu']}, {machine['python']}, {store}."
    yield f"Cores are for requests at saturation cost; have as many that none is busier than {BUSY:.0%}."
    yield "Requests are small and cheap like /me: what your handlers cost comes on top, and is the same for all."
    yield (
        f"Every caller is active: {system.users:,} refreshes every {system.ttl_s:g} s on the token side; on the "
        f"session side a touch of each session every {TOUCH_INTERVAL_S:g} s."
    )
    yield (
        f"Reads of one event-loop tick are merged, as measured with {result.settings['connections']:.0f} requests in "
        "flight; with more servers and less load on each, fewer are, and the store works harder."
    )
    yield "Token caches hold everybody who is active on a server."
    if system.regions > 1:
        yield f"The store is in one of {system.regions} regions; elsewhere a lookup takes {system.region_rtt_ms:g} ms."
    if result.bill is None:
        yield "Refreshes are counted but not priced: this result has no bill."
    if result.quick:
        yield "The result is a quick one: its constants are rough."
