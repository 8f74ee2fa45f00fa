"""`peers`: measure what people use today beside ours, in one run."""

import shlex
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from bench.arms import Arm
from bench.commands.run import INTERRUPTED, Phase, go_through
from bench.conclude import Beginning, NothingMeasured, conclude
from bench.cores import choose_placement
from bench.outputs import RESULT_FILE
from bench.peers import batches, proofs
from bench.peers.arms import PEER_ARMS, choose
from bench.peers.catalog import BY_NAME, PEERS, Peer
from bench.peers.comparison import against_own_controls, not_measured
from bench.peers.installation import InstallationFailed, install, missing, versions
from bench.peers.summary import write_peers_summary
from bench.plan import FULL, QUICK
from bench.progress import showing_progress
from bench.result import Result
from bench.result_file import write_result
from bench.run import Recorder, Run
from bench.summing import Observed

PHASES: tuple[Phase, ...] = (
    (proofs.planned_s, proofs.prove_peers),
    (batches.planned_s, batches.measure_peers),
)

_FULL = replace(FULL, batches=3, rounds_per_batch=4, slice_s=0.4)
"""Servers that differ by factors need no more rounds and no longer slices, and there are two dozen of them."""


@click.command(name="peers")
@click.option("--install", "installs", is_flag=True, help="First install what is missing, from npm and PyPI.")
@click.option("--quick", "size", flag_value="quick", default="quick", help="Two minutes, for a look. The default.")
@click.option("--full", "size", flag_value="full", help="Ten minutes, for numbers that can be quoted.")
@click.option("--arms", multiple=True, metavar="NAME", help="Only these, with their controls. Repeatable.")
@click.option("--seed", type=int, default=7, show_default=True, help="Decides the order and the load.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("bench/out/peers"), show_default=True
)
def command(size: str, arms: Sequence[str], seed: int, out: Path, *, installs: bool) -> None:
    """Measure the peers beside ours. Those that are not installed are named in the table, with the reason."""
    if installs:
        _install()
    absent = _absent()
    chosen = _chosen(tuple(arms), absent)
    beginning = Beginning(command=shlex.join(["python", "-m", "bench", *sys.argv[1:]]))
    plan = _FULL if size == "full" else QUICK
    print(f"seed {seed}, {len(chosen)} arms, {plan.rounds} rounds of {plan.slice_s:g} s each way", flush=True)
    with showing_progress(Console(stderr=True)) as progress:
        recorder = Recorder({arm.name: Observed(arm) for arm in chosen})
        recorder.facts |= versions(BY_NAME[arm.name] for arm in chosen if arm.name in BY_NAME)
        run = Run(plan, chosen, seed, choose_placement(), progress, recorder)
        partial = not go_through(PHASES, run)
    try:
        result = against_own_controls(conclude(run, beginning, partial=partial))
    except NothingMeasured as error:
        raise click.ClickException(str(error)) from error
    doubts = (*not_measured(absent), *result.doubts)
    _write(result.model_copy(update={"doubts": doubts}), out)
    sys.exit(INTERRUPTED if partial else 0)


def _install() -> None:
    try:
        install(("Node.js", "Python"))
    except InstallationFailed as error:
        raise click.ClickException(str(error)) from error


def _absent() -> dict[str, list[Peer]]:
    """Group the peers that cannot run here by the reason."""
    absent: dict[str, list[Peer]] = defaultdict(list)
    for peer in PEERS:
        if (why := missing(peer.runtime)) is not None:
            absent[why].append(peer)
    return absent


def _chosen(names: tuple[str, ...], absent: Mapping[str, Sequence[Peer]]) -> tuple[Arm, ...]:
    reasons = {peer.name: why for why, peers in absent.items() for peer in peers}
    for name in reasons.keys() & {*names}:
        raise click.BadParameter(f"{name} cannot be measured: {reasons[name]}", param_hint="--arms")
    try:
        return choose(names, tuple(arm for arm in PEER_ARMS if arm.name not in reasons))
    except KeyError as error:
        raise click.BadParameter(str(error.args[0]), param_hint="--arms") from error


def _write(result: Result, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    result_file, table = out / RESULT_FILE, out / "peers.md"
    write_result(result, result_file)
    text = write_peers_summary(result)
    table.write_text(text, encoding="utf-8")
    print(text)
    print(result_file, table, sep="\n")
