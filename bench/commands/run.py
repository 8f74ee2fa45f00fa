"""`run`: start servers and stores, measure every arm, write what was found."""

import shlex
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import click
from rich.console import Console

from bench import batches, bill, curves, failures, memory, revocation, sweeps, wrk
from bench.arms import ARMS, Arm, choose_arms
from bench.conclude import Beginning, NothingMeasured, conclude
from bench.cores import choose_placement
from bench.generator.client import GeneratorFailed
from bench.outputs import write_outputs
from bench.plan import FULL, QUICK, Plan
from bench.progress import showing_progress
from bench.proofs import NotRight
from bench.run import Recorder, Run
from bench.summing import Observed
from lab.processes import NoRedis, ProcessFailed

Phase = tuple[Callable[[Run], float], Callable[[Run], None]]
PHASES: tuple[Phase, ...] = (
    (batches.planned_s, batches.measure_batches),
    (revocation.planned_s, revocation.measure_revocation),
    (failures.planned_s, failures.measure_failures),
    (bill.planned_s, bill.measure_bill),
    (curves.planned_s, curves.measure_curves),
    (memory.planned_s, memory.measure_memory),
    (sweeps.planned_s, sweeps.measure_sweeps),
    (wrk.planned_s, wrk.cross_check),
)


@click.command(name="run")
@click.option("--quick", "size", flag_value="quick", default="quick", help="Minutes, for a look. The default.")
@click.option("--full", "size", flag_value="full", help="Up to 40 minutes, for numbers that can be quoted.")
@click.option("--arms", multiple=True, metavar="NAME", help="Only these arms, and the control. Repeatable.")
@click.option("--seed", type=int, default=7, show_default=True, help="Decides the order and the load.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("bench/out"), show_default=True)
def command(size: str, arms: Sequence[str], seed: int, out: Path) -> None:
    """Measure every arm. Ctrl-C ends early and writes what there is."""
    plan = FULL if size == "full" else QUICK
    chosen = _chosen(arms)
    console = Console(stderr=True)
    beginning = Beginning(command=shlex.join(["python", "-m", "bench", *sys.argv[1:]]))
    print(f"seed {seed}, {len(chosen)} arms, {plan.rounds} rounds of {plan.slice_s:g} s, {plan.callers} callers")
    partial, run = _measure(plan, chosen, seed, console)
    try:
        result = conclude(run, beginning, partial=partial)
    except NothingMeasured as error:
        raise click.ClickException(str(error)) from error
    for path in write_outputs(result, out):
        print(path)
    sys.exit(130 if partial else 0)


def _chosen(names: Sequence[str]) -> tuple[Arm, ...]:
    try:
        return choose_arms(names, ARMS)
    except KeyError as error:
        raise click.BadParameter(str(error.args[0]), param_hint="--arms") from error


def _measure(plan: Plan, arms: Sequence[Arm], seed: int, console: Console) -> tuple[bool, Run]:
    """Go through all phases; return whether somebody ended the run before they were over."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    recorder = Recorder({arm.name: Observed(arm) for arm in arms})
    with showing_progress(console) as progress:
        run = Run(plan, arms, seed, choose_placement(), progress, recorder)
        progress.plan(sum(planned_s(run) for planned_s, _ in PHASES))
        try:
            for _, measure in PHASES:
                measure(run)
        except KeyboardInterrupt:
            return True, run
        except (NotRight, NoRedis, ProcessFailed, GeneratorFailed) as error:
            raise click.ClickException(str(error)) from error
        finally:
            shutil.rmtree(run.workplace, ignore_errors=True)
    return False, run
