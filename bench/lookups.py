"""What one request asks of others: store commands, and calls to the auth server, counted one request at a time.

Under load, reads of one event-loop tick are merged; with one in flight nothing can be.
"""

import time

from bench.call import metric
from bench.plan import Plan
from bench.slices import Bench
from bench.stage import Staged
from bench.store import StoreAccount
from bench.summing import Lookups

_IDLE_S = 1.0
_STRAY = 2
"""A heartbeat more or less falls into a slice; what requests cause comes far more often."""


def idle_commands_per_s(stores: StoreAccount) -> dict[str, float]:
    """Return what the stores are asked when no request comes: heartbeats of subscriptions and the like."""
    before = stores.read()
    time.sleep(_IDLE_S)
    return {name: count / _IDLE_S for name, count in stores.read().since(before).commands.items()}


def count_lookups(
    bench: Bench, staged: Staged, auth_url: str | None, idle: dict[str, float], plan: Plan, seed: int
) -> Lookups:
    """Send one caller's requests one after the other and count what they caused.

    One caller only: what each caller's first request costs is no part of the steady state.
    """
    alone = staged.with_callers(1)
    bench.prepare(alone, connections=1, seed=seed, warm_up_s=plan.warm_up_s)
    introspections = _introspections(auth_url)
    one = bench.closed(alone, seed=seed, duration_s=plan.slice_s)
    answered = max(1, one.outcome.answered)
    caused = {name: count - idle.get(name, 0.0) * one.outcome.elapsed_s for name, count in one.store.commands.items()}
    bench.forget(alone, 1)
    return Lookups(
        commands={name: count / answered for name, count in caused.items() if count > _STRAY},
        server_calls=(_introspections(auth_url) - introspections) / answered,
    )


def _introspections(auth_url: str | None) -> float:
    if auth_url is None:
        return 0.0
    return metric(auth_url, "authlab_requests_total", 'route="/oauth/introspect"')
