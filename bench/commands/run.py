"""`run`: start servers and stores, measure every arm, write what was found."""

import re
import shlex
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import redis
from rich.console import Console

from bench import batches, bill, curves, failures, memory, revocation, sweeps, wrk
from bench.arms import ARMS, Arm, choose_arms
from bench.attach import Deployment, measure_deployment
from bench.callers import LoginFailed
from bench.conclude import Beginning, NothingMeasured, conclude
from bench.cores import Placement, choose_placement
from bench.generator.client import GeneratorFailed
from bench.outputs import WITHOUT_FIGURES, can_draw, write_outputs
from bench.plan import FULL, QUICK
from bench.progress import showing_progress
from bench.proofs import NoAnswer, NotRight
from bench.run import Recorder, Run
from bench.summing import Observed
from lab.processes import NoRedis, ProcessFailed

INTERRUPTED = 130

# What follows the colon of NAME:PASSWORD, and what stands before the @ of a URL.
_SECRET = re.compile(r"(?<=://)[^/@]*(?=@)|^(?P<name>(?:--account=)?[^:/=]+):(?!//).+$")

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
@click.option("--arms", multiple=True, metavar="NAME", help="Only these, and the control. Repeatable.")
@click.option("--seed", type=int, default=7, show_default=True, help="Decides the order and the load.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("bench/out"), show_default=True)
@click.option("--auth-url", help="Measure a deployment that is there: where callers log in for tokens.")
@click.option("--resource-url", "resource_urls", multiple=True, help="A resource server of it. Repeatable.")
@click.option("--session-url", "session_urls", multiple=True, help="A session server of it. Repeatable.")
@click.option("--redis-url", "redis_urls", multiple=True, help="A store of it, to count what it is asked. Repeatable.")
@click.option("--account", "accounts", multiple=True, metavar="NAME:PASSWORD", help="Who may log in there. Repeatable.")
@click.option("--callers", type=click.IntRange(min=1), default=40, show_default=True, help="Logins made there.")
def command(size: str, arms: Sequence[str], seed: int, out: Path, **there: Any) -> None:
    """Measure every arm, or a deployment that is already there. Ctrl-C ends early and writes what there is."""
    plan = FULL if size == "full" else QUICK
    deployment = _deployment(**there)
    beginning = Beginning(command=_command_line())
    with showing_progress(Console(stderr=True)) as progress:
        run = Run(plan, _chosen(arms), seed, choose_placement(), progress, Recorder({}))
        phases = PHASES
        if deployment is not None:
            run.attached, run.placement = True, Placement((), ())
            phases = ((lambda _: 60.0, lambda run: measure_deployment(run, deployment)),)
        else:
            run.recorder.observed |= {arm.name: Observed(arm) for arm in run.arms}
            print(f"seed {seed}, {len(run.arms)} arms, {plan.rounds} rounds of {plan.slice_s:g} s each way", flush=True)
        interrupted = not go_through(phases, run)
    try:
        result = conclude(run, beginning, partial=interrupted or bool(run.recorder.failed))
    except NothingMeasured as error:
        raise click.ClickException("; ".join([*run.recorder.failed, str(error)])) from error
    for path in write_outputs(result, out):
        print(path)
    if not can_draw():
        click.echo(WITHOUT_FIGURES, err=True)
    sys.exit(INTERRUPTED if interrupted else 1 if run.recorder.failed else 0)


def _command_line() -> str:
    """Return the command as it was given, but for passwords."""

    def hide(secret: re.Match[str]) -> str:
        return f"{secret['name']}:..." if secret["name"] else "..."

    given = [_SECRET.sub(hide, argument) for argument in sys.argv[1:]]
    return shlex.join(["python", "-m", "bench", *given])


def _deployment(
    *,
    auth_url: str | None,
    resource_urls: tuple[str, ...],
    session_urls: tuple[str, ...],
    redis_urls: tuple[str, ...],
    accounts: tuple[str, ...],
    callers: int,
) -> Deployment | None:
    if not (auth_url or resource_urls or session_urls):
        return None
    pairs = [account.partition(":") for account in accounts]
    if not pairs or not all(name and password for name, _, password in pairs):
        raise click.BadParameter("a deployment needs accounts as NAME:PASSWORD", param_hint="--account")
    passwords = {name: password for name, _, password in pairs}
    return Deployment(auth_url, resource_urls, session_urls, redis_urls, passwords, callers)


def _chosen(names: Sequence[str]) -> tuple[Arm, ...]:
    try:
        return choose_arms([name for given in names for name in given.split(",")], ARMS)
    except KeyError as error:
        raise click.BadParameter(str(error.args[0]), param_hint="--arms") from error


def go_through(phases: Sequence[Phase], run: Run) -> bool:
    """Go through all phases; return False when somebody ended the run before they were over.

    A phase that fails is recorded and the others go on: half an hour of measurements is not thrown away. But a wrong
    answer ends the run, and so does a machine on which nothing can be started.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    run.progress.plan(sum(planned_s(run) for planned_s, _ in phases))
    try:
        for _, measure in phases:
            try:
                measure(run)
            except (NoAnswer, LoginFailed, ProcessFailed, GeneratorFailed, OSError, redis.RedisError) as error:
                run.recorder.failed.append(f"{measure.__module__}: {type(error).__name__}: {error}")
    except KeyboardInterrupt:
        return False
    except (NotRight, NoRedis) as error:
        raise click.ClickException(str(error)) from error
    finally:
        shutil.rmtree(run.workplace, ignore_errors=True)
    return True
