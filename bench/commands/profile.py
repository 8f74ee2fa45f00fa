"""`profile`: look at servers from outside while they are saturated, and say where their CPU time goes."""

from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from bench.arms import Arm, choose_arms
from bench.batches import single_arm
from bench.cores import choose_placement
from bench.plan import FULL
from bench.profiling import Profile, ProfilerFailed, Recording, write_hottest, write_shares
from bench.progress import showing_progress
from bench.run import Recorder, Run
from lab.processes import NoRedis, ProcessFailed

HOT_PATHS = ("control", "plain-jwt", "plain-jwt-uncached", "pushed-jwt", "redis-session", "tracked-session")


@click.command(name="profile")
@click.option("--arms", multiple=True, metavar="NAME", help="Only this one. Repeatable.")
@click.option("--seconds", type=click.IntRange(1, 60), default=10, show_default=True, help="How long to look at each.")
@click.option("--seed", type=int, default=7, show_default=True)
def command(arms: Sequence[str], seconds: int, seed: int) -> None:
    """Print where each hot path spends its time, as Markdown. Needs py-spy, and where the system asks for it, root."""
    names = tuple(arms) or HOT_PATHS
    try:
        chosen = choose_arms(names)
    except KeyError as error:
        raise click.BadParameter(str(error.args[0]), param_hint="--arms") from error
    with showing_progress(Console(stderr=True)) as progress:
        run = Run(FULL, chosen, seed, choose_placement(), progress, Recorder({}))
        try:
            profiles = {arm.name: _profile_of(run, arm, seconds) for arm in chosen if arm.name in names}
        except (ProfilerFailed, NoRedis, ProcessFailed) as error:
            raise click.ClickException(str(error)) from error
    print("\n".join(write_shares(profiles)))
    for name, profile in profiles.items():
        print(f"\n`{name}`:\n\n" + "\n".join(write_hottest(profile)))


def _profile_of(run: Run, arm: Arm, seconds: int) -> Profile:
    run.progress.begin(f"profiling {arm.name}")
    with single_arm(run, arm) as (bench, staged):
        bench.prepare(staged, connections=run.plan.connections, seed=run.seed, warm_up_s=1.0)
        recording = Recording(staged.server_pids[0], seconds, Path(staged.corpus.with_suffix(".stacks")))
        run.check(bench.closed(staged, seed=run.seed, duration_s=seconds + 1.0))
        return recording.profile()
