"""Batches like those of `bench run`, but every server is driven for a while before anything is measured.

Node.js compiles what runs often: cold, its servers take several times the CPU that they take from the second second on.
Ours do not change, and are driven all the same.
"""

from collections.abc import Mapping

from bench.batches import count_all_lookups, measure_rounds
from bench.batches import planned_s as planned_without_warm_up_s
from bench.ground import Ground, GroundPlan
from bench.proofs import prove_right
from bench.run import Run
from bench.slices import Bench
from bench.stage import Stage, Staged
from bench.store import StoreAccount

_WARM_UP_S, _QUICK_WARM_UP_S = 1.5, 1.0


def planned_s(run: Run) -> float:
    """Return how long all batches should take."""
    return planned_without_warm_up_s(run) + run.plan.batches * len(run.arms) * _warm_up_s(run)


def measure_peers(run: Run) -> None:
    """Measure every arm in every batch; what was seen is recorded slice by slice."""
    for batch in range(run.plan.batches):
        run.progress.begin(f"batch {batch + 1} of {run.plan.batches}: starting servers, logging in")
        with Ground(run.directory(), GroundPlan(callers=run.plan.callers), run.placement) as ground:
            ground.start_auth_servers()
            staged = {one.arm.name: one for one in Stage(ground).set_up(run.arms)}
            for one in staged.values():
                prove_right(one, ground.auth_url())
            with run.generators() as generators, StoreAccount(*ground.store_urls.values()) as stores:
                bench = Bench(generators, stores)
                _warm_up(run, bench, staged)
                measure_rounds(run, bench, staged, batch)
                if batch == 0:
                    count_all_lookups(run, bench, staged, ground.auth_url(), stores)
                run.recorder.facts |= stores.facts()


def _warm_up(run: Run, bench: Bench, staged: Mapping[str, Staged]) -> None:
    for name, one in staged.items():
        run.progress.begin(f"warming up: {name}")
        bench.prepare(one, connections=run.plan.connections, seed=run.seed, warm_up_s=_warm_up_s(run))
        run.progress.advance(_warm_up_s(run))


def _warm_up_s(run: Run) -> float:
    return _QUICK_WARM_UP_S if run.plan.quick else _WARM_UP_S
