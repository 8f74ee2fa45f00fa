"""From measured constants to what a system of some size needs, strategy by strategy. Every assumption is stated."""

import math
from dataclasses import dataclass

from bench.result import ArmResult, Result
from core.contract import Promise
from resource_server.strategies import STRATEGIES as TOKEN_STRATEGIES
from session_server.strategies import STRATEGIES as SESSION_STRATEGIES

BUSY = 0.6
"""How busy a core may be, on average, so that there is room for the minute that is not average."""
TOUCH_INTERVAL_S = 60.0
"""A used session is touched at most this often."""
TOUCH_COMMANDS = 2
CACHE_ENTRIES = 10_000
_US = 1_000_000
_DAY_S = 86_400

PROMISES: dict[str, Promise] = {
    name: strategy.promise for name, strategy in {**TOKEN_STRATEGIES, **SESSION_STRATEGIES}.items()
}


@dataclass(frozen=True, slots=True)
class System:
    """What is to be served: callers who are logged in, requests per second in all, and how far away the store is."""

    users: int
    rps: float
    ttl_s: float
    rtt_ms: float
    regions: int = 1
    region_rtt_ms: float = 80.0


@dataclass(frozen=True, slots=True)
class Advice:
    """What one strategy needs for a system. Cores are rounded up to what has to be there; bytes are per day."""

    strategy: str
    lookups_per_s: float
    store_cores: float
    store_bytes: float | None
    """None where a result says nothing of memory."""
    server_cores: float
    wire_bytes_per_day: float
    refreshes_per_s: float
    median_latency_ms: float
    lag: str
    without_its_store: str

    @property
    def servers(self) -> int:
        """How many cores to have, so that none is busier than planned."""
        return math.ceil(self.server_cores / BUSY)

    @property
    def stores(self) -> int:
        """How many store processes to have: each answers on one core."""
        return math.ceil(self.store_cores / BUSY) if self.store_cores else 0


def advise(result: Result, system: System) -> list[Advice]:
    """Return what each strategy in a result needs for a system."""
    return [_advise(result, name, system) for name, arm in result.arms.items() if name in PROMISES and arm.knows_cpu]


def predict_rps_per_core(arm: ArmResult) -> float:
    """Return how many requests per second keep one server core busy all the time."""
    return _US / arm.cpu.median


def predict_median_ms(near_ms: float, lookups: float, rtt_ms: float) -> float:
    """Return the median latency when what is looked up is one round trip further away."""
    return near_ms + lookups * rtt_ms


def lookups_of(arm: ArmResult) -> float:
    """Return how many round trips a request waits for; a question to the auth server is one, too."""
    return arm.server_calls_per_request or arm.store_commands_per_request


def _advise(result: Result, name: str, system: System) -> Advice:
    arm, bill = result.arms[name], result.bill
    on_tokens = name in TOKEN_STRATEGIES
    refreshes = system.users / system.ttl_s if on_tokens else 0.0
    touches = _touches_per_s(name, system)
    store_us = system.rps * arm.store_cpu_us.median + touches * TOUCH_COMMANDS * _us_per_command(result)
    server_us = system.rps * arm.cpu.median
    if bill is not None:
        store_us += refreshes * bill.refresh_store_cpu_us
        server_us += refreshes * bill.refresh_cpu_us
    lookups = lookups_of(arm)
    return Advice(
        strategy=name,
        lookups_per_s=system.rps * lookups,
        store_cores=store_us / _US,
        store_bytes=system.users * arm.memory.store_bytes_per_caller if arm.memory else None,
        server_cores=server_us / _US,
        wire_bytes_per_day=system.rps * _DAY_S * (arm.bytes_up + arm.bytes_down),
        refreshes_per_s=refreshes,
        median_latency_ms=predict_median_ms(arm.latency_ms.p50 if arm.latency_ms else 0.0, lookups, _rtt_ms(system)),
        lag=_lag(arm, name, system),
        without_its_store=PROMISES[name].without_its_store,
    )


def _touches_per_s(name: str, system: System) -> float:
    """Return how often the store is told that a session is in use: never more often than there are requests."""
    if name not in SESSION_STRATEGIES or name == "memory-session":
        return 0.0
    return min(system.users / TOUCH_INTERVAL_S, system.rps)


def _us_per_command(result: Result) -> float:
    """Return what one command costs the store, from the arm that sends one for each request."""
    arm = result.arms.get("redis-session")
    if arm is None or not arm.store_commands_under_load:
        return 0.0
    return arm.store_cpu_us.median / arm.store_commands_under_load


def _rtt_ms(system: System) -> float:
    """Return the mean round trip when the store is in one region and callers are spread evenly over all."""
    away = (system.regions - 1) / system.regions
    return (1 - away) * system.rtt_ms + away * system.region_rtt_ms


def _lag(arm: ArmResult, name: str, system: System) -> str:
    if PROMISES[name].revoked_within is None:
        return f"until expiry: {system.ttl_s / 2:.0f} s on average, {system.ttl_s:.0f} s at most"
    lag = arm.revocation_lag_ms
    if lag is None:
        return "not measured"
    most_ms = max(lag.max, lag.resolution_ms) + (_rtt_ms(system) if system.regions > 1 else 0.0)
    return f"{most_ms:.1f} ms at most seen" + (" and the way there" if system.regions > 1 else "")
