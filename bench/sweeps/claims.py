"""Sweep: how much a token says. It travels with every request; a session's cookie stays as small as it is."""

from bench.arms import choose_arms
from bench.ground import Ground, GroundPlan
from bench.result import Sweep
from bench.run import Run
from bench.slices import Bench
from bench.stage import Stage
from bench.store import StoreAccount
from bench.sweeps.point import POINT_S, measure_point

ADDED_BYTES = (0, 500, 1000, 2000)
"""Servers take no token beyond 4096 characters, into which base64url brings about 3000 bytes of claims."""
ARMS = ("control", "plain-jwt", "plain-jwt-uncached", "redis-session")
_SET_UP_S = 5.0


def planned_s(_run: Run) -> float:
    """Return how long it should take."""
    return len(ADDED_BYTES) * (_SET_UP_S + len(ARMS) * POINT_S)


def measure(run: Run) -> None:
    """Measure with callers whose names, and so whose tokens, are longer and longer."""
    points = []
    for added in ADDED_BYTES:
        run.progress.begin(f"claims: {added} bytes more")
        plan = GroundPlan(callers=run.plan.callers, name_padding_bytes=added)
        with Ground(run.directory(), plan, run.placement) as ground:
            ground.start_auth_servers()
            staged = [one for one in Stage(ground).set_up(choose_arms(ARMS)) if one.arm.name in ARMS]
            run.progress.advance(_SET_UP_S)
            with run.generators() as generators, StoreAccount(*ground.store_urls.values()) as stores:
                bench = Bench(generators, stores)
                points += [measure_point(run, bench, one, added) for one in staged]
    run.recorder.sweeps["claims"] = Sweep(what="added claims", unit="bytes", points=tuple(points))
