"""What every test stands on: nothing blocks the event loop, Redis is real, servers listen on real sockets."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import structlog
from blockbuster import blockbuster_ctx
from redis.asyncio import Redis

from lab.processes import RedisProcess
from tests.support.caller import calling
from tests.support.servers import Servers


@pytest.fixture(autouse=True, scope="session")
def nothing_blocks_the_event_loop() -> Iterator[None]:
    """Raise where code on an event loop calls what may block. Code that runs without a loop is not concerned."""
    with blockbuster_ctx():
        yield


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    """Collect what is logged in this process, each event as a dictionary; nothing is printed."""
    capture = structlog.testing.LogCapture()
    structlog.configure(processors=[capture])
    yield capture.entries
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    """Run one Redis for all tests that leave it alone."""
    arguments = ("--maxmemory-policy", "noeviction")
    with RedisProcess.start(tmp_path_factory.mktemp("redis"), arguments=arguments) as process:
        yield process


@pytest.fixture
async def redis(shared_redis: RedisProcess) -> AsyncIterator[Redis]:
    """Return a client of an empty Redis that the test must leave running."""
    async with Redis.from_url(shared_redis.url, driver_info=None) as client:
        await client.flushall()
        yield client


@pytest.fixture
def redis_url(redis: Redis, shared_redis: RedisProcess) -> str:
    """Return where that empty Redis is."""
    _ = redis
    return shared_redis.url


@pytest.fixture
def own_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisProcess]:
    """Run a Redis that the test may stop, pause and fill."""
    with RedisProcess.start(tmp_path_factory.mktemp("redis")) as process:
        yield process


@pytest.fixture
async def servers() -> AsyncIterator[Servers]:
    """Start servers in this process; they stop when the test ends."""
    async with calling() as session, AsyncExitStack() as stack:
        yield Servers(session, stack)
