"""What each strategy promises about itself, read from where it says so."""

from core.contract import Promise
from resource_server.strategies import STRATEGIES as RESOURCE_STRATEGIES
from session_server.strategies import STRATEGIES as SESSION_STRATEGIES


def promise_of(strategy: str) -> Promise:
    """Return the promise of a strategy by its name."""
    if strategy in RESOURCE_STRATEGIES:
        return RESOURCE_STRATEGIES[strategy].promise
    return SESSION_STRATEGIES[strategy].promise
