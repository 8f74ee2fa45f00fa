"""The stores go and come back under the running system (F-01, F-02)."""

import asyncio
from collections.abc import Iterator
from time import monotonic, perf_counter

import pytest
from aiohttp import ClientSession

from lab.processes import RedisProcess
from tests.support.caller import Caller, set_cookie
from tests.system.house import House

BUDGET_S = 0.3
BACK_WITHIN_S = 1.0


@pytest.fixture(params=["killed", "paused"])
def trouble(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


async def take_away(redis: RedisProcess, trouble: str) -> None:
    await asyncio.to_thread(redis.kill if trouble == "killed" else redis.pause)


async def bring_back(redis: RedisProcess, trouble: str) -> None:
    if trouble == "killed":
        await asyncio.to_thread(redis.restart)
        await asyncio.to_thread(redis.wait_ready)
    else:
        redis.resume()


@pytest.fixture
def both_stores_back(house: House) -> Iterator[None]:
    yield
    for redis in (house.redis_auth, house.redis_sessions):
        redis.resume()
        if not redis.running:
            redis.restart()
            redis.wait_ready()


async def statuses_for(seconds: float, ask: "Ask") -> list[int]:
    """Ask again and again; every answer comes within the budget."""
    statuses, until_s = [], monotonic() + seconds
    while monotonic() < until_s:
        started = perf_counter()
        statuses.append(await ask())
        assert perf_counter() - started < BUDGET_S
        await asyncio.sleep(0.02)
    return statuses


class Ask:
    """One request, to be made often."""

    def __init__(self, caller: Caller, path: str, **credential: str) -> None:
        self._caller, self._path, self._credential = caller, path, credential

    async def __call__(self) -> int:
        """Return the status."""
        answer = await self._caller.get(self._path, **self._credential)
        if answer.status == 503:
            assert "unavailable" == answer.code
            assert int(answer.headers["Retry-After"]) >= 1
        return answer.status


async def seconds_until(status: int, ask: Ask) -> float:
    started = monotonic()
    while await ask() != status:
        assert monotonic() - started < 5
        await asyncio.sleep(0.01)
    return monotonic() - started


@pytest.mark.usefixtures("both_stores_back")
async def test_without_the_session_store_sessions_are_503_and_tokens_go_on(
    house: House, session: ClientSession, trouble: str
) -> None:
    token = (await Caller(house.url("auth"), session).login()).json["access_token"]
    sessions = Caller(house.url("session-1"), session)
    ask = Ask(sessions, "/me", cookie=set_cookie(await sessions.login()))
    assert 200 == await ask()
    await take_away(house.redis_sessions, trouble)
    assert {503} == set(await statuses_for(1.0, ask))
    for name in ("resource-1", "denylisted", "pushed", "introspected"):
        assert {200} == set(await statuses_for(0.1, Ask(Caller(house.url(name), session), "/me", token=token))), name
    assert 503 == (await sessions.login()).status
    assert 200 == (await sessions.get("/livez")).status
    await bring_back(house.redis_sessions, trouble)
    assert await seconds_until(401 if trouble == "killed" else 200, ask) < BACK_WITHIN_S
    assert 200 == (await sessions.login()).status


@pytest.mark.usefixtures("both_stores_back")
async def test_without_the_auth_store_plain_tokens_and_sessions_go_on_and_nobody_new_comes_in(
    house: House, session: ClientSession, trouble: str
) -> None:
    auth, plain = Caller(house.url("auth"), session), Caller(house.url("resource-1"), session)
    sessions = Caller(house.url("session-1"), session)
    token, cookie = (await auth.login()).json["access_token"], set_cookie(await sessions.login())
    denylisted = Ask(Caller(house.url("denylisted"), session), "/me", token=token)
    assert 200 == await denylisted()
    await take_away(house.redis_auth, trouble)
    assert {503} == set(await statuses_for(0.5, denylisted))
    assert {200} == set(await statuses_for(0.3, Ask(plain, "/me", token=token)))
    assert {200} == set(await statuses_for(0.3, Ask(sessions, "/me", cookie=cookie)))
    for caller in (auth, sessions):
        started = perf_counter()
        answer = await caller.login()
        assert (503, "unavailable") == (answer.status, answer.code)
        assert perf_counter() - started < BUDGET_S
    assert 503 == (await Caller(house.url("introspected"), session).get("/me", token=token)).status
    for caller in (auth, plain, sessions):
        assert 200 == (await caller.get("/readyz")).status, "each of them still serves something"
    await bring_back(house.redis_auth, trouble)
    again = Ask(auth, "/logins", token=token)
    expected = 401 if trouble == "killed" else 200
    assert await seconds_until(expected, again) < BACK_WITHIN_S + 1.0, (
        "a store that lost its data is over within a second"
    )
    assert await seconds_until(expected, denylisted) < BACK_WITHIN_S
    fresh = (await auth.login()).json["access_token"]
    for name in ("resource-1", "denylisted", "introspected"):
        assert 200 == (await Caller(house.url(name), session).get("/me", token=fresh)).status, name
    assert await seconds_until(200, Ask(Caller(house.url("pushed"), session), "/me", token=fresh)) < BACK_WITHIN_S
