"""One session server of each strategy."""

import pytest

from session_server.strategies import STRATEGIES
from tests.support.servers import Server, Servers


@pytest.fixture(params=list(STRATEGIES))
def strategy(request: pytest.FixtureRequest) -> str:
    """Return the name of each strategy in turn."""
    name: str = request.param
    return name


@pytest.fixture
async def server(strategy: str, servers: Servers, redis_url: str) -> Server:
    """Start a server of that strategy."""
    return await servers.session(strategy, "" if strategy == "memory-session" else redis_url)
