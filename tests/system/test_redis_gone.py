"""Redis dies or freezes under running servers: who depends on it says 503 at once, who does not goes on (issue 2)."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from time import monotonic

import aiohttp
import pytest

from tests.support.caller import Answer, Caller, calling, set_cookie
from tests.support.patience import until
from tests.system.fleet import AUTH, Fleet, running

FAST_S = 0.3
BACK_S = 1.0
_REQUESTS = 10


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Run the two sides as they stand in the demo."""
    with running(tmp_path_factory.mktemp("fleet"), (AUTH, "plain-jwt", "redis-session")) as fleet:
        yield fleet


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with calling() as session:
        yield session


def _says_when_to_come_back(answer: Answer, took_s: float) -> None:
    assert (503, "unavailable") == (answer.status, answer.code)
    assert 1 <= int(answer.headers["Retry-After"]) <= 10
    assert "Set-Cookie" not in answer.headers
    assert took_s <= FAST_S, f"it took {took_s:.3f} s"


@pytest.mark.parametrize("trouble", ["killed", "frozen"])
async def test_only_who_depends_on_it_suffers_and_only_while_it_is_away(
    trouble: str, fleet: Fleet, session: aiohttp.ClientSession
) -> None:
    auth, resource, sessions = (Caller(fleet.url(name), session) for name in (AUTH, "plain-jwt", "redis-session"))
    token = (await auth.login()).json["access_token"]
    cookie = set_cookie(await sessions.login())
    assert [200, 200] == [
        (await resource.get("/me", token=token)).status,
        (await sessions.get("/me", cookie=cookie)).status,
    ]
    await asyncio.to_thread(fleet.redis.kill if trouble == "killed" else fleet.redis.pause)
    try:
        for _ in range(_REQUESTS):
            started = monotonic()
            _says_when_to_come_back(await sessions.get("/me", cookie=cookie), monotonic() - started)
            started = monotonic()
            assert 200 == (await resource.get("/me", token=token)).status
            assert monotonic() - started <= FAST_S
        for server in (auth, sessions):
            assert 503 == (await server.login()).status
            assert 200 == (await server.get("/livez")).status
        assert 200 == (await resource.get("/readyz")).status
        assert 200 == (await auth.get("/.well-known/jwks.json")).status
    finally:
        await asyncio.to_thread(fleet.redis.restart if trouble == "killed" else fleet.redis.resume)
        await asyncio.to_thread(fleet.redis.wait_ready)

    async def works_again() -> bool:
        return 200 == (await sessions.login()).status == (await auth.login()).status

    assert await until(works_again) <= BACK_S
    expected = 401 if trouble == "killed" else 200
    assert expected == (await sessions.get("/me", cookie=cookie)).status, (
        "a frozen Redis forgot nothing, a killed one all"
    )
    assert 200 == (await resource.get("/me", token=token)).status
