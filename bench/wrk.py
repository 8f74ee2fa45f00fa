"""A second opinion: the same server under `wrk`, where it is installed."""

import re
import shutil
import subprocess
from statistics import median

from bench.arms import ARMS
from bench.batches import single_arm
from bench.cores import running_on
from bench.result import CrossCheck
from bench.run import Run

ARM = next(arm for arm in ARMS if arm.name == "plain-jwt-es256-uncached")
"""Dear enough that the server is what both meet: on a cheap one it matters how many sockets are served at a time."""
_SLICE_S = 3
_TURNS = 3
_PLANNED_S = 26.0
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")


def planned_s(run: Run) -> float:
    """Return how long it should take."""
    return _PLANNED_S if _wanted(run) else 0.0


def cross_check(run: Run) -> None:
    """Let both generators drive one server in turn, with as many connections, from the same core."""
    if not _wanted(run):
        return
    run.progress.begin("cross-check against wrk")
    ours, theirs = [], []
    with single_arm(run, ARM) as (bench, staged):
        host, port = staged.addresses[0]
        headers = [f"-H{name}: {value}" for name, value in staged.callers[0].headers.items()]
        target = [*headers, f"http://{host}:{port}{staged.arm.path}"]
        for turn in range(_TURNS):
            theirs.append(_wrk_rps(run, target))
            bench.prepare(staged, connections=run.plan.connections, seed=turn, warm_up_s=run.plan.warm_up_s)
            ours.append(bench.closed(staged, seed=turn, duration_s=_SLICE_S).answered_rps)
    run.recorder.cross_check = CrossCheck(
        wrk_rps=round(median(theirs), 1),
        ours_rps=round(median(ours), 1),
        ratio=round(median(mine / other for mine, other in zip(ours, theirs, strict=True)), 4),
    )
    run.progress.advance(_PLANNED_S)


def _wanted(run: Run) -> bool:
    return run.plan.cross_check and shutil.which("wrk") is not None


def _wrk_rps(run: Run, target: list[str]) -> float:
    options = ["-t1", f"-c{run.plan.connections}", f"-d{_SLICE_S}s", *target]
    with running_on(run.placement.others):
        finished = subprocess.run(
            ["wrk", *options],  # noqa: S607 - found as the user would find it
            capture_output=True,
            text=True,
            check=True,
            timeout=_SLICE_S + 30,
        )
    found = _RATE.search(finished.stdout)
    if found is None:
        raise ValueError(f"wrk said something unexpected: {finished.stdout[:200]}")
    return float(found[1])
