"""Sweep: how many callers there are, against a token cache of fixed size: what happens when not all fit."""

from bench.arms import choose_arms
from bench.call import metric
from bench.ground import Ground, GroundPlan
from bench.result import Sweep
from bench.run import Run
from bench.slices import Bench
from bench.stage import Stage
from bench.store import StoreAccount
from bench.sweeps.point import POINT_S, measure_point
from lab.processes import ServerProcess

CACHE_ENTRIES = 250
CALLERS = (100, 250, 500, 1000, 2500)
_SET_UP_S = 8.0


def planned_s(_run: Run) -> float:
    """Return how long it should take."""
    return _SET_UP_S + len(CALLERS) * (POINT_S + 1)


def measure(run: Run) -> None:
    """Measure `plain-jwt` with a small cache, a fresh server for each number of callers."""
    run.progress.begin(f"callers against a cache of {CACHE_ENTRIES}")
    arm = next(arm for arm in choose_arms(["plain-jwt"]) if arm.name == "plain-jwt")
    points = []
    with Ground(run.directory(), GroundPlan(callers=max(CALLERS)), run.placement) as ground:
        ground.start_auth_servers()
        run.progress.advance(_SET_UP_S)
        with run.generators() as generators, StoreAccount(*ground.store_urls.values()) as stores:
            bench = Bench(generators, stores)
            for callers in CALLERS:
                server = arm.launch(ground, f"plain-jwt-{callers}", {"RESOURCE_TOKEN_CACHE": str(CACHE_ENTRIES)})
                ground.place([server])
                staged = Stage(ground, callers).stage(arm, [server])
                point = measure_point(run, bench, staged, callers)
                points.append(point.model_copy(update={"hit_ratio": _hit_ratio(server)}))
                server.kill()
                run.progress.advance(1)
    what = f"callers, of whom {CACHE_ENTRIES} fit into the token cache"
    run.recorder.sweeps["callers"] = Sweep(what=what, unit="callers", points=tuple(points))


def _hit_ratio(server: ServerProcess) -> float:
    hits, misses = (metric(server.url, f"authlab_token_cache_{kind}_total") for kind in ("hits", "misses"))
    return round(hits / max(1.0, hits + misses), 4)
