"""Latency curves: percentiles of each strategy as the arrival rate grows, until it saturates."""

from bench.ground import Ground, GroundPlan
from bench.result import Sweep, SweepPoint
from bench.revocation import lag_arms
from bench.run import Run
from bench.slices import Bench
from bench.stage import Stage
from bench.store import StoreAccount
from bench.summing import sum_up_latency

_SET_UP_S = 8.0
_POINT_S = 2.0


def planned_s(run: Run) -> float:
    """Return how long the curves should take."""
    points = len(run.plan.curve_rates_rps) * (len(lag_arms(run)) + 1)
    return _SET_UP_S + points * _POINT_S * 1.1 if run.plan.curve_rates_rps else 0.0


def measure_curves(run: Run) -> None:
    """Measure every strategy, and the control, at every rate; stop a strategy's curve where it is saturated."""
    if not run.plan.curve_rates_rps:
        return
    run.progress.begin("latency curves: starting servers")
    arms = [arm for arm in run.arms if arm.name == "control"] + lag_arms(run)
    points = []
    with Ground(run.directory(), GroundPlan(callers=run.plan.callers), run.placement) as ground:
        ground.start_auth_servers()
        staged = Stage(ground).set_up(arms)
        run.progress.advance(_SET_UP_S)
        with run.generators() as generators, StoreAccount(*ground.store_urls.values()) as stores:
            bench = Bench(generators, stores)
            for one in staged:
                for rate in run.plan.curve_rates_rps:
                    run.progress.begin(f"latency curves: {one.arm.name} at {rate:g}/s")
                    bench.prepare(one, connections=run.plan.connections, seed=run.seed, warm_up_s=run.plan.warm_up_s)
                    piece = bench.open(one, seed=run.seed, duration_s=_POINT_S, rate=rate)
                    run.check(piece)
                    latency = sum_up_latency([piece], rate, run.seed)
                    points.append(SweepPoint(arm=one.arm.name, x=rate, latency_ms=latency))
                    run.progress.advance(_POINT_S * 1.1)
                    if latency is not None and latency.saturated:
                        break
    run.recorder.curves = Sweep(what="arrival rate", unit="requests/s", points=tuple(points))
