import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest
from redis.asyncio import Redis

from auth_server.settings import AuthSettings
from core import redis_keys
from core.errors import Throttled
from core.redis_link import RedisLink, open_redis
from core.settings import load
from core.throttle import MAX_FAILURES, LocalThrottle, Throttle, address_prefix, make_throttle, wait_s
from lab.processes import RedisProcess
from tests.support.clock import Clock
from tests.support.environments import auth_environment

HERE = "127.0.0.1"
PER_ACCOUNT, PER_ADDRESS, OVERALL = 3, 20, 40
SETTINGS = load(
    AuthSettings,
    auth_environment(
        LOGIN_RATE_PER_ACCOUNT=str(PER_ACCOUNT),
        LOGIN_RATE_PER_ADDRESS=str(PER_ADDRESS),
        LOGIN_RATE_OVERALL=str(OVERALL),
    ),
)


class LocalUnderTest:
    """The throttle of one process, whose clock a test moves."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.throttle: Throttle = LocalThrottle(
            per_account=PER_ACCOUNT, per_address=PER_ADDRESS, overall=OVERALL, monotonic=self.clock
        )

    async def move(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.move(seconds)


class SharedUnderTest:
    """The throttle that all servers share in Redis, whose time passes by moving what Redis holds into the past."""

    def __init__(self, link: RedisLink) -> None:
        self._client = link.client
        self.throttle: Throttle = make_throttle(SETTINGS, link)

    async def move(self, seconds: float) -> None:
        """Let time pass."""
        async for name in self._client.scan_iter(f"{redis_keys.PREFIX}throttle:*"):
            if await self._client.type(name) == b"hash":
                await self._client.hincrby(name, "last_ms", round(-seconds * 1000))
            left_s = await self._client.ttl(name)
            await self._client.expire(name, round(left_s - seconds))


UnderTest = LocalUnderTest | SharedUnderTest


@pytest.fixture(params=["local", "shared"])
async def tested(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[UnderTest]:
    if request.param == "local":
        yield LocalUnderTest()
    else:
        async with open_redis(redis_url) as link:
            yield SharedUnderTest(link)


async def fail(throttle: Throttle, username: str = "alice", address: str = HERE) -> None:
    await throttle.admit(username, address)
    await throttle.failed(username, address)


async def refused_for_s(throttle: Throttle, username: str = "alice", address: str = HERE) -> float:
    with pytest.raises(Throttled) as refused:
        await throttle.admit(username, address)
    return cast("float", refused.value.retry_after_s)


async def test_a_few_failures_are_free(tested: UnderTest) -> None:
    for _ in range(PER_ACCOUNT):
        await fail(tested.throttle)
    assert 0 < await refused_for_s(tested.throttle) <= 1


async def test_the_wait_doubles_up_to_a_minute(tested: UnderTest) -> None:
    for _ in range(PER_ACCOUNT):
        await fail(tested.throttle)
    waits = []
    for _ in range(9):
        waits.append(round(await refused_for_s(tested.throttle)))
        await tested.move(waits[-1] + 0.1)
        await fail(tested.throttle)
    assert [1, 2, 4, 8, 16, 32, 60, 60, 60] == waits


async def test_a_right_login_forgets_the_failures(tested: UnderTest) -> None:
    for _ in range(PER_ACCOUNT - 1):
        await fail(tested.throttle)
    await tested.throttle.succeeded("alice")
    for _ in range(PER_ACCOUNT):
        await fail(tested.throttle)
    await refused_for_s(tested.throttle)


async def test_another_account_is_not_concerned(tested: UnderTest) -> None:
    for _ in range(PER_ACCOUNT):
        await fail(tested.throttle)
    await tested.throttle.admit("bob", HERE)


async def test_once_an_account_is_guessed_at_one_attempt_is_made_at_a_time(tested: UnderTest) -> None:
    """A crowd of guesses that all ask before the first of them has failed must not pass together."""
    for _ in range(PER_ACCOUNT):
        await fail(tested.throttle)
    await tested.move(1.1)
    answers = await asyncio.gather(*(tested.throttle.admit("alice", HERE) for _ in range(100)), return_exceptions=True)
    assert [1, 99] == [answers.count(None), sum(isinstance(answer, Throttled) for answer in answers)]


async def test_an_account_has_at_most_a_hundred_failures_in_an_hour(tested: UnderTest) -> None:
    """NIST SP 800-63B-4 §3.2.2."""
    for _ in range(MAX_FAILURES):
        await tested.throttle.failed("alice", HERE)
    await tested.move(61)
    assert await refused_for_s(tested.throttle, address="10.0.0.1") > 3000
    await tested.move(3600)
    await tested.throttle.admit("alice", "10.0.0.1")


async def test_one_address_cannot_try_many_accounts(tested: UnderTest) -> None:
    for number in range(PER_ADDRESS):
        await fail(tested.throttle, f"user-{number}")
    assert 0 < await refused_for_s(tested.throttle, "someone-else") <= 60
    await tested.throttle.admit("someone-else", "10.0.0.1")
    await tested.move(61)
    await tested.throttle.admit("someone-else", HERE)


async def test_right_logins_from_one_address_are_not_counted(tested: UnderTest) -> None:
    for _ in range(5 * PER_ADDRESS):
        await tested.throttle.admit("alice", HERE)
        await tested.throttle.succeeded("alice")


async def test_failures_from_everywhere_leave_each_account_one(tested: UnderTest) -> None:
    for number in range(OVERALL):
        await fail(tested.throttle, f"user-{number}", f"10.0.{number}.1")
    await fail(tested.throttle, "alice", "10.1.0.1")
    assert 0 < await refused_for_s(tested.throttle, "alice", "10.1.0.2") <= 1
    await tested.throttle.admit("bob", "10.1.0.3")
    await tested.move(61)
    await fail(tested.throttle, "alice", "10.1.0.4")
    await tested.throttle.admit("alice", "10.1.0.5")


async def test_two_servers_count_together(redis_url: str) -> None:
    async with open_redis(redis_url) as one, open_redis(redis_url) as other:
        first, second = SharedUnderTest(one).throttle, SharedUnderTest(other).throttle
        for throttle in (first, second, first):
            await fail(throttle)
        await refused_for_s(second)


async def test_without_redis_each_process_goes_on_counting(own_redis: RedisProcess) -> None:
    """Never unlimited: what this process saw fail, it remembers."""
    async with open_redis(own_redis.url) as link:
        throttle = SharedUnderTest(link).throttle
        for _ in range(PER_ACCOUNT):
            await fail(throttle)
        await asyncio.to_thread(own_redis.kill)
        await refused_for_s(throttle)
        for _ in range(PER_ACCOUNT):
            await fail(throttle, "bob")
        await refused_for_s(throttle, "bob")
        await throttle.succeeded("bob")
        await throttle.admit("bob", HERE)


async def test_what_was_typed_as_a_name_is_not_stored(redis: Redis, redis_url: str) -> None:
    """People type their password into the wrong field."""
    async with open_redis(redis_url) as link:
        await fail(SharedUnderTest(link).throttle, "my-secret-password")
    names = [name async for name in redis.scan_iter()]
    assert names
    assert [] == [name for name in names if b"my-secret-password" in name]


async def test_made_up_names_do_not_fill_the_memory() -> None:
    tested = LocalUnderTest()
    for number in range(10_500):
        await tested.throttle.failed(f"user-{number}", f"{number}")
    assert isinstance(tested.throttle, LocalThrottle)
    assert 10_000 == len(tested.throttle._accounts)


@pytest.mark.parametrize(
    ("address", "prefix"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("10.1.2.3", "10.1.2.3"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::"),
        ("::1", "::"),
        ("", "unknown"),
        ("not an address", "unknown"),
    ],
)
def test_one_source_is_an_ipv4_address_or_an_ipv6_network(address: str, prefix: str) -> None:
    assert prefix == address_prefix(address)


def test_the_wait_grows_from_nothing_to_an_hour() -> None:
    assert [0, 0, 1, 2, 60, 60, 3600] == [wait_s(failures, 10) for failures in (0, 9, 10, 11, 16, 99, 100)]
