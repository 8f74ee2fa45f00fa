"""`choices`: what each choice that holds for a whole process is worth, by making it otherwise."""

import shlex
import sys
from pathlib import Path

import click
from rich.console import Console

from bench import batches, wrk
from bench.arms import CHOICE_ARMS, CONTROL, CONTROL_AGAIN
from bench.commands.run import INTERRUPTED, Phase, go_through
from bench.conclude import Beginning, NothingMeasured, conclude
from bench.cores import choose_placement
from bench.outputs import RESULT_FILE
from bench.plan import FULL, QUICK
from bench.progress import showing_progress
from bench.result_file import write_result
from bench.run import Recorder, Run
from bench.summary import write_table
from bench.summing import Observed

PHASES: tuple[Phase, ...] = (
    (batches.planned_s, batches.measure_batches),
    (wrk.planned_s, wrk.cross_check),
)


@click.command(name="choices")
@click.option("--quick", "size", flag_value="quick", default="quick", help="Half a minute, for a look. The default.")
@click.option("--full", "size", flag_value="full", help="Five minutes, for numbers that can be quoted.")
@click.option("--seed", type=int, default=7, show_default=True, help="Decides the order and the load.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("bench/out/choices"), show_default=True
)
def command(size: str, seed: int, out: Path) -> None:
    """Measure the control without uvloop, with aiohttp's tasks, with each answer alone, and with other collections."""
    beginning = Beginning(command=shlex.join(["python", "-m", "bench", *sys.argv[1:]]))
    arms = (CONTROL, CONTROL_AGAIN, *CHOICE_ARMS)
    with showing_progress(Console(stderr=True)) as progress:
        recorder = Recorder({arm.name: Observed(arm) for arm in arms})
        run = Run(FULL if size == "full" else QUICK, arms, seed, choose_placement(), progress, recorder)
        partial = not go_through(PHASES, run)
    try:
        result = conclude(run, beginning, partial=partial or bool(recorder.failed))
    except NothingMeasured as error:
        raise click.ClickException("; ".join([*recorder.failed, str(error)])) from error
    out.mkdir(parents=True, exist_ok=True)
    write_result(result, out / RESULT_FILE)
    print("\n".join(write_table(result)), out / RESULT_FILE, sep="\n")
    sys.exit(INTERRUPTED if partial else 0)
