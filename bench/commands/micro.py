"""`micro`: time each step of a request alone."""

import asyncio
import shlex
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console

from bench.cores import choose_placement, running_on
from bench.micro.answer_steps import answer_steps
from bench.micro.result import MicroResult, sum_up, tables
from bench.micro.session_steps import session_steps
from bench.micro.store_steps import store_steps
from bench.micro.timing import Effort, Step, measure
from bench.micro.token_steps import HAS_JOSERFC, token_steps
from bench.progress import ProgressDisplay, showing_progress
from lab.processes import NoRedis, ProcessFailed, RedisProcess

try:
    import uvloop
except ImportError:  # there is none for this platform
    uvloop = None  # type: ignore[assignment] # so that one name tells

_LOOP_FACTORY = asyncio.new_event_loop if uvloop is None else uvloop.new_event_loop

QUICK = Effort(samples=7, sample_s=0.005)
FULL = Effort(samples=41, sample_s=0.02)


@click.command(name="micro")
@click.option("--quick", "size", flag_value="quick", help="Seconds, for a look.")
@click.option("--full", "size", flag_value="full", default="full", help="A minute, for numbers. The default.")
@click.option("--seed", type=int, default=7, show_default=True, help="Decides the order.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON to standard output instead of tables.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the JSON to this file, too.")
def command(size: str, seed: int, *, as_json: bool, out: Path | None) -> None:
    """Time each step of a request alone, beside PyJWT, joserfc, redis-py and a raw HMAC."""
    try:
        result = _measured(QUICK if size == "quick" else FULL, seed)
    except (NoRedis, ProcessFailed) as error:
        raise click.ClickException(str(error)) from error
    if out is not None:
        result.write(out)
    if as_json:
        print(result.to_json())
        return
    console = Console()
    for table in tables(result):
        console.print(table)
    console.print("CPU time of this process per step, median and 95 % bootstrap interval. Dim: what others take.")
    if not HAS_JOSERFC:
        console.print("joserfc is not installed, so its row is missing: pip install 'authlab[bench]'")


def _measured(effort: Effort, seed: int) -> MicroResult:
    placement = choose_placement()
    steps = [*token_steps(), *session_steps(), *answer_steps()]
    with showing_progress(Console(stderr=True)) as progress, tempfile.TemporaryDirectory() as directory:
        with running_on(placement.others):
            store = RedisProcess.start(Path(directory))
        with store, running_on(placement.servers), asyncio.Runner(loop_factory=_LOOP_FACTORY) as runner:
            steps, samples = runner.run(_with_store(steps, store.url, effort, seed, progress))
    return sum_up(shlex.join(["python", "-m", "bench", *sys.argv[1:]]), seed, steps, samples)


async def _with_store(
    steps: list[Step], url: str, effort: Effort, seed: int, progress: ProgressDisplay
) -> tuple[list[Step], dict[str, list[float]]]:
    async with store_steps(url) as reads:
        steps = [*steps, *reads]
        progress.plan(effort.samples)
        progress.begin(f"timing {len(steps)} steps")
        return steps, await measure(steps, effort, seed, lambda: progress.advance(1))
