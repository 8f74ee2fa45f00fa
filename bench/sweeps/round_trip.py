"""Sweep: the round trip between a server and what it asks, added by a fault proxy in between."""

from collections.abc import Sequence
from contextlib import ExitStack

from bench.arms import Arm
from bench.ground import ALGORITHMS, SIDES, Ground, GroundPlan
from bench.result import Sweep
from bench.revocation import lag_arms
from bench.run import Run
from bench.slices import Bench
from bench.stage import Stage
from bench.store import StoreAccount
from bench.sweeps.point import POINT_S, measure_point
from lab.fault_proxy_client import FaultProxy
from lab.processes import ServerProcess

BESIDE = ("control", "plain-jwt-uncached", "plain-jwt-ed25519-uncached")
ADDED_MS = (0.0, 0.5, 1.0, 5.0, 20.0)
_SET_UP_S = 10.0


def planned_s(run: Run) -> float:
    """Return how long it should take."""
    return _SET_UP_S + len(ADDED_MS) * len(_arms(run)) * POINT_S


def measure(run: Run) -> None:
    """Measure every strategy, the control, and tokens that are verified anew each time, at every round trip."""
    run.progress.begin("store round trip: starting servers")
    arms = _arms(run)
    algorithms = tuple({arm.credential: None for arm in arms if arm.credential in ALGORITHMS} | {"HS256": None})
    with ExitStack() as stack:
        plan = GroundPlan(callers=run.plan.callers, algorithms=algorithms)
        ground = stack.enter_context(Ground(run.directory(), plan, run.placement))
        # The auth server stays beside its store: what is far away is whatever the server under test has to ask.
        ground.start_auth_servers()
        auth = stack.enter_context(FaultProxy(ground.auth_servers["HS256"].port))
        proxies = [auth]
        for side in SIDES:
            proxy = stack.enter_context(FaultProxy(ground.stores[side].port))
            ground.store_urls[side] = f"redis://127.0.0.1:{proxy.port}/0"
            proxies.append(proxy)
        stage = Stage(ground)
        staged = [stage.stage(arm, [server]) for arm, server in _started(ground, arms, auth)]
        stores = stack.enter_context(StoreAccount(*(ground.stores[side].url for side in SIDES)))
        bench = Bench(stack.enter_context(run.generators()), stores)
        run.progress.advance(_SET_UP_S)
        points = []
        for added_ms in ADDED_MS:
            for proxy in proxies:
                proxy.delay(to_server_ms=added_ms / 2, to_client_ms=added_ms / 2, for_s=None)
            for one in staged:
                run.progress.begin(f"store round trip + {added_ms:g} ms: {one.arm.name}")
                points.append(measure_point(run, bench, one, added_ms))
    run.recorder.sweeps["store-round-trip"] = Sweep(what="added store round trip", unit="ms", points=tuple(points))


def _arms(run: Run) -> list[Arm]:
    beside = [arm for arm in run.arms if arm.name in BESIDE]
    return [*beside, *lag_arms(run)]


def _started(ground: Ground, arms: Sequence[Arm], auth: FaultProxy) -> list[tuple[Arm, ServerProcess]]:
    asks = {"RESOURCE_INTROSPECTION_URL": f"http://127.0.0.1:{auth.port}/oauth/introspect"}
    started = [(arm, arm.launch(ground, environment=asks if arm.asks_the_auth_server else None)) for arm in arms]
    ground.place([server for _, server in started])
    return started
