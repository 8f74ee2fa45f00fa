from collections.abc import AsyncIterator, Iterator

import pytest
from aiohttp import ClientSession

from tests.support.caller import calling
from tests.system.house import House


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Run the whole system for the tests of this folder. At its end, no server may have crashed on anything."""
    with House(tmp_path_factory.mktemp("house")) as house:
        yield house
        logs = house.logs()
        assert [] == [line for line in logs.splitlines() if "Traceback" in line or "request.crashed" in line]
        assert [] == [secret[:8] for secret in house.secrets() if secret in logs]


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with calling() as session:
        yield session
