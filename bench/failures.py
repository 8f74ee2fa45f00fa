"""Failure timelines: callers arrive at a fixed rate, something breaks and heals, and this is what they saw."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from bench.generator.client import Generators
from bench.generator.messages import Outcome
from bench.ground import SIDES, Ground, GroundPlan
from bench.result import Failure, Second, Timeline
from bench.revocation import lag_arms
from bench.run import Run
from bench.stage import Stage, Staged
from lab.fault_proxy_client import FaultProxy

_SET_UP_S = 9.0
_CONNECTIONS = 64
_SLOW_MS = 500.0
_HEAD_START_NS = 300_000_000
_OK = "200"
# As in production: a store that is killed has its sessions again when it is back.
_DURABLE = ("--appendonly", "yes", "--appendfsync", "everysec")

Fault = tuple[Callable[[], None], Callable[[], None]]
"""How to break something, and how to heal it."""


def planned_s(run: Run) -> float:
    """Return how long all faults should take."""
    return len(run.plan.faults) * (run.plan.fault_over_s + _SET_UP_S) if lag_arms(run) else 0.0


def measure_failures(run: Run) -> None:
    """Break one thing after the other, each time under all strategies at once and with fresh servers."""
    arms = lag_arms(run)
    for name in run.plan.faults if arms else ():
        run.progress.begin(f"failure: {name}")
        with ExitStack() as stack:
            plan = GroundPlan(callers=20, store_arguments=_DURABLE)
            ground = stack.enter_context(Ground(run.directory(), plan, run.placement))
            slow = stack.enter_context(_proxies(ground)) if name == "redis slow" else []
            ground.start_auth_servers()
            staged = Stage(ground).set_up(arms)
            run.progress.advance(_SET_UP_S)
            generators = [stack.enter_context(run.generators()) for _ in staged]
            fault = _fault(name, ground, slow)
            outcomes = _watch(run, staged, generators, fault)
        timelines = tuple(_timeline(run, one.arm.name, outcome) for one, outcome in zip(staged, outcomes, strict=True))
        run.recorder.failures.append(
            Failure(
                fault=name,
                from_s=run.plan.fault_from_s,
                to_s=run.plan.fault_to_s,
                rate_rps=run.plan.fault_rate_rps,
                timelines=timelines,
            )
        )


@contextmanager
def _proxies(ground: Ground) -> Iterator[list[FaultProxy]]:
    """Put a fault proxy in front of both stores; servers started inside the block go through them."""
    with ExitStack() as stack:
        proxies = []
        for side in SIDES:
            proxy = stack.enter_context(FaultProxy(ground.stores[side].port))
            ground.store_urls[side] = f"redis://127.0.0.1:{proxy.port}/0"
            proxies.append(proxy)
        yield proxies


def _fault(name: str, ground: Ground, slow: Sequence[FaultProxy]) -> Fault:
    stores = [ground.stores[side] for side in SIDES]
    auth = ground.auth_servers["HS256"]
    faults: dict[str, Fault] = {
        "redis killed": (lambda: _each(store.kill for store in stores), lambda: _each(one.restart for one in stores)),
        "redis paused": (lambda: _each(store.pause for store in stores), lambda: _each(one.resume for one in stores)),
        "redis slow": (
            lambda: _each(_delaying(proxy) for proxy in slow),
            lambda: _each(proxy.heal for proxy in slow),
        ),
        "auth server killed": (auth.kill, lambda: _each([auth.start])),
    }
    return faults[name]


def _delaying(proxy: FaultProxy) -> Callable[[], None]:
    return lambda: proxy.delay(to_client_ms=_SLOW_MS)


def _each(actions: Iterator[Callable[[], object]] | Sequence[Callable[[], object]]) -> None:
    for action in actions:
        action()


def _watch(run: Run, staged: Sequence[Staged], generators: Sequence[Generators], fault: Fault) -> list[Outcome]:
    for one, generator in zip(staged, generators, strict=True):
        generator.prepare(
            one.arm.name, one.corpus, one.addresses, connections=_CONNECTIONS, seed=run.seed, warm_up_s=0.05
        )
    plan = run.plan

    def drive(generator: Generators) -> Outcome:
        return generator.open(seed=run.seed, duration_s=plan.fault_over_s, rate=plan.fault_rate_rps, start_ns=start_ns)

    start_ns = time.perf_counter_ns() + _HEAD_START_NS
    with ThreadPoolExecutor(len(generators)) as pool:
        driving = [pool.submit(drive, generator) for generator in generators]
        for at_s, act in zip((plan.fault_from_s, plan.fault_to_s), fault, strict=True):
            time.sleep(max(0.0, at_s + (start_ns - time.perf_counter_ns()) / 1e9))
            act()
        outcomes = [future.result() for future in driving]
    run.progress.advance(plan.fault_over_s)
    return outcomes


def _timeline(run: Run, arm: str, outcome: Outcome) -> Timeline:
    seconds: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for tenth, name, count in outcome.timeline:
        seconds[tenth // 10][name] += count
    return Timeline(
        arm=arm,
        seconds=tuple(Second(second=second, outcomes=dict(found)) for second, found in sorted(seconds.items())),
        recovery_s=recovery_s(outcome.timeline, run.plan.fault_to_s, run.plan.fault_over_s),
    )


def recovery_s(timeline: Sequence[tuple[int, str, int]], healed_s: float, over_s: float) -> float | None:
    """Return how long after the healing the last request failed; None when failures went on to the end."""
    bad = [tenth for tenth, outcome, count in timeline if outcome != _OK and count and tenth >= healed_s * 10]
    if not bad:
        return 0.0
    last_s = (max(bad) + 1) / 10
    return round(last_s - healed_s, 1) if last_s < over_s - 1 else None
