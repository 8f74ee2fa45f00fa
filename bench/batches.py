"""The heart of a run: batches of fresh processes, in each of them rounds of slices of all arms, interleaved."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from bench.arms import Arm
from bench.call import metric
from bench.ground import ALGORITHMS, Ground, GroundPlan
from bench.lookups import count_lookups, idle_commands_per_s
from bench.proofs import prove_right, url_of
from bench.run import Run
from bench.schedule import interleaved
from bench.slices import Bench
from bench.stage import Stage, Staged
from bench.store import StoreAccount

_SET_UP_S = 12.0
_LOOKUPS_S = 0.6


def planned_s(run: Run) -> float:
    """Return how long all batches should take."""
    rounds = run.plan.rounds * len(run.arms) * 2 * _slice_s(run)
    return rounds + run.plan.batches * _SET_UP_S + len(run.arms) * _LOOKUPS_S


@contextmanager
def single_arm(run: Run, arm: Arm) -> Iterator[tuple[Bench, Staged]]:
    """Set one arm up by itself."""
    plan = GroundPlan(callers=run.plan.callers, algorithms=_algorithms([arm]))
    with Ground(run.directory(), plan, run.placement) as ground:
        ground.start_auth_servers()
        (staged,) = Stage(ground).set_up([arm])
        with run.generators() as generators, StoreAccount(*ground.store_urls.values()) as stores:
            yield Bench(generators, stores), staged


def measure_batches(run: Run) -> None:
    """Measure every arm in every batch; what was seen is recorded slice by slice."""
    for batch in range(run.plan.batches):
        run.progress.begin(f"batch {batch + 1} of {run.plan.batches}: starting servers, logging in")
        plan = GroundPlan(callers=run.plan.callers, algorithms=_algorithms(run.arms))
        with Ground(run.directory(), plan, run.placement) as ground:
            ground.start_auth_servers()
            staged = {one.arm.name: one for one in Stage(ground).set_up(run.arms)}
            for one in staged.values():
                prove_right(one, ground.auth_url())
            run.progress.advance(_SET_UP_S)
            with run.generators() as generators, StoreAccount(*ground.store_urls.values()) as stores:
                bench = Bench(generators, stores)
                measure_rounds(run, bench, staged, batch)
                if batch == 0:
                    count_all_lookups(run, bench, staged, ground.auth_url(), stores)
                run.recorder.facts |= stores.facts()


def measure_rounds(run: Run, bench: Bench, staged: Mapping[str, Staged], batch: int) -> None:
    """Measure every arm in every round of one batch."""
    orders = interleaved([*staged], run.plan.rounds_per_batch, run.seed + batch)
    for number, order in enumerate(orders):
        run.progress.begin(
            f"batch {batch + 1} of {run.plan.batches}: round {number + 1} of {run.plan.rounds_per_batch}"
        )
        seed = run.seed + 1000 * batch + number
        for name in order:
            _measure_arm(run, bench, staged[name], seed)
            run.progress.advance(2 * _slice_s(run))


def _measure_arm(run: Run, bench: Bench, one: Staged, seed: int) -> None:
    plan, seen = run.plan, run.recorder.observed[one.arm.name]
    bench.prepare(one, connections=plan.connections, seed=seed, warm_up_s=plan.warm_up_s)
    closed = bench.closed(one, seed=seed, duration_s=plan.slice_s)
    opened = bench.open(one, seed=seed, duration_s=plan.slice_s, rate=plan.rate_rps)
    for piece in (closed, opened):
        run.check(piece)
    seen.closed.append(closed)
    seen.open.append(opened)


def count_all_lookups(
    run: Run, bench: Bench, staged: Mapping[str, Staged], auth_url: str | None, stores: StoreAccount
) -> None:
    """Count what one request of each arm asks of others; read how often a cache knew."""
    idle = idle_commands_per_s(stores)
    for name, one in staged.items():
        run.progress.begin(f"counting lookups: {name}")
        seen = run.recorder.observed[name]
        seen.lookups = count_lookups(bench, one, auth_url, idle, plan=run.plan, seed=run.seed)
        seen.hit_ratio = _hit_ratio(one)
        run.progress.advance(_LOOKUPS_S)


def _hit_ratio(one: Staged) -> float | None:
    if not one.arm.token_cache:
        return None
    hits, misses = (metric(url_of(one), f"authlab_token_cache_{kind}_total") for kind in ("hits", "misses"))
    return round(hits / (hits + misses), 5) if hits + misses else None


def _algorithms(arms: Iterable[Arm]) -> tuple[str, ...]:
    wanted = {arm.credential for arm in arms} | {"HS256"}
    return tuple(algorithm for algorithm in ALGORITHMS if algorithm in wanted)


def _slice_s(run: Run) -> float:
    return run.plan.slice_s + run.plan.warm_up_s / 2 + 0.05
