"""Sweep: more processes, as several servers behind one store, or as several workers of one server.

They, the generator and the store share this machine's cores: what it shows is how the store's share grows and what a
second process brings when there is a core for it, not how far a cluster scales.
"""

from collections.abc import Mapping

from bench.arms import Arm, choose_arms
from bench.cores import Placement
from bench.ground import Ground, GroundPlan
from bench.result import Sweep, SweepPoint
from bench.run import Run
from bench.slices import Bench
from bench.stage import Stage
from bench.store import StoreAccount
from bench.sweeps.point import POINT_S, measure_point

ARMS = ("control", "plain-jwt", "redis-session")
SERVERS = (1, 2, 4)
WORKERS = (1, 2)
_SET_UP_S = 6.0
_EVERYWHERE = Placement((), ())


def planned_s(_run: Run) -> float:
    """Return how long it should take."""
    return len(ARMS) * (len(SERVERS) + len(WORKERS)) * (POINT_S + 2) + 2 * _SET_UP_S


def measure(run: Run) -> None:
    """Measure some strategies with several servers, then with several workers, on all cores."""
    arms = [arm for arm in choose_arms(ARMS) if arm.name in ARMS]
    for name, numbers, what in (
        ("servers", SERVERS, "servers that share one store, on all cores"),
        ("workers", WORKERS, "workers of one server, on all cores"),
    ):
        points = []
        with Ground(run.directory(), GroundPlan(callers=run.plan.callers), _EVERYWHERE) as ground:
            ground.start_auth_servers()
            run.progress.advance(_SET_UP_S)
            with run.generators() as generators, StoreAccount(*ground.store_urls.values()) as stores:
                bench = Bench(generators, stores)
                for arm in arms:
                    for number in numbers:
                        run.progress.begin(f"{name}: {number} of {arm.name}")
                        points.append(_measure(run, bench, ground, arm, **{name: number}))
        run.recorder.sweeps[name] = Sweep(what=what, unit=name, points=tuple(points))


def _measure(run: Run, bench: Bench, ground: Ground, arm: Arm, *, servers: int = 1, workers: int = 1) -> SweepPoint:
    environment: Mapping[str, str] = {"WORKERS": str(workers)}
    started = [arm.launch(ground, f"{arm.name}-{number}", environment) for number in range(servers)]
    ground.place(started)
    staged = Stage(ground).stage(arm, started)
    connections = run.plan.connections * max(servers, workers)
    point = measure_point(run, bench, staged, servers * workers, connections=connections)
    for server in started:
        server.kill()
    run.progress.advance(2)
    return point
