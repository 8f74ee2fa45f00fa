import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from time import perf_counter, time
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvloop
from redis.asyncio import BlockingConnectionPool, Redis

from core.errors import Unavailable
from core.redis_link import RedisLink, Script, open_redis
from lab.fault_proxy_client import FaultProxy
from lab.guarded_child import GuardedChild
from lab.processes import RedisProcess, find_redis_server, free_port, inherited_environment
from tests.support.stores import commands_during, commands_so_far

BUDGET_S = 0.3
COUNT = "return redis.call('INCR', KEYS[1]) + ARGV[1]"


@pytest.fixture
async def link(redis_url: str) -> AsyncIterator[RedisLink]:
    async with open_redis(redis_url) as link:
        yield link


@pytest.fixture
async def own_link(own_redis: RedisProcess) -> AsyncIterator[RedisLink]:
    async with open_redis(own_redis.url) as link:
        yield link


def in_use(link: RedisLink) -> int:
    """Return how many connections are lent out; redis-py has no public count."""
    pool = link.client.connection_pool
    assert isinstance(pool, BlockingConnectionPool)
    return len(pool._in_use_connections)


async def ask(link: RedisLink) -> object:
    return await link.call(lambda client: client.get("a"))


async def test_a_paused_redis_is_unavailable_within_the_budget(own_redis: RedisProcess, own_link: RedisLink) -> None:
    """With redis-py's defaults this takes 70 s."""
    await ask(own_link)
    own_redis.pause()
    for _ in range(4):
        started = perf_counter()
        with pytest.raises(Unavailable) as refused:
            await ask(own_link)
        assert perf_counter() - started < BUDGET_S
        assert refused.value.retry_after_s is not None
        assert 1 <= refused.value.retry_after_s <= 3


async def test_a_crowd_before_a_paused_redis_waits_no_longer_than_one(
    own_redis: RedisProcess, own_link: RedisLink
) -> None:
    await ask(own_link)
    own_redis.pause()
    started = perf_counter()
    answers = await asyncio.gather(*(ask(own_link) for _ in range(200)), return_exceptions=True)
    assert {Unavailable} == {type(answer) for answer in answers}
    assert perf_counter() - started < BUDGET_S
    assert 0 == in_use(own_link)


async def test_a_dead_redis_is_noticed_at_once_and_asked_seldom(own_redis: RedisProcess, own_link: RedisLink) -> None:
    await ask(own_link)
    await asyncio.to_thread(own_redis.kill)
    started = perf_counter()
    for _ in range(200):
        with pytest.raises(Unavailable):
            await ask(own_link)
    assert own_link.circuit.is_open
    assert perf_counter() - started < BUDGET_S, "an open circuit answers without trying"


async def test_redis_is_used_again_within_a_second_of_its_return(own_redis: RedisProcess, own_link: RedisLink) -> None:
    await asyncio.to_thread(own_redis.kill)
    for _ in range(20):
        with pytest.raises(Unavailable):
            await ask(own_link)
    await asyncio.to_thread(own_redis.restart)
    await asyncio.to_thread(own_redis.wait_ready)
    started = perf_counter()
    while True:
        try:
            await ask(own_link)
            break
        except Unavailable:
            assert perf_counter() - started < 1.0
            await asyncio.sleep(0.02)


def test_a_connection_that_was_reset_between_two_calls_is_unavailable_under_uvloop_too(redis_url: str) -> None:
    """Hold to 503: uvloop raises a RuntimeError where asyncio raises an OSError; it once came out as a 500."""

    async def call_over_a_reset_connection() -> None:
        async with open_redis(redis_url) as link:
            await ask(link)
            connection: Any = next(iter(link.client.connection_pool._available_connections))
            connection._writer.transport.abort()  # the reset arrives after redis-py has looked, before it sends
            with pytest.raises(Unavailable):
                await ask(link)
            assert b"1" == await link.call(lambda client: client.echo("1"))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(call_over_a_reset_connection())


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_an_idle_connection_that_was_reset_costs_no_request_its_answer(
    redis_url: str, loop_factory: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    port = urlsplit(redis_url).port
    assert port is not None

    async def ask_before_and_after_a_reset(proxy: FaultProxy) -> object:
        async with open_redis(f"redis://127.0.0.1:{proxy.port}/0") as link:
            await ask(link)
            await asyncio.to_thread(proxy.cut)
            await asyncio.sleep(0.05)
            return await link.call(lambda client: client.echo("there"))

    with FaultProxy(port) as proxy, asyncio.Runner(loop_factory=loop_factory) as runner:
        assert b"there" == runner.run(ask_before_and_after_a_reset(proxy))


async def test_a_link_can_be_opened_while_redis_is_away() -> None:
    async with open_redis(f"redis://127.0.0.1:{free_port()}/0") as link:
        with pytest.raises(Unavailable):
            await ask(link)


async def test_no_command_is_sent_twice() -> None:
    """A lost answer does not mean a lost command: a retried INCR counts twice."""
    received: list[bytes] = []

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.read(4096))
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        async with open_redis(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0") as link:
            with pytest.raises(Unavailable):
                await link.call(lambda client: client.incr("counter"))
        assert [1] == [command.count(b"counter") for command in received]


async def test_a_script_is_loaded_once_and_again_after_a_flush(link: RedisLink, redis: Redis) -> None:
    script = Script(COUNT)
    assert [101, 102, 103] == [await link.run(script, ["n"], [100]) for _ in range(3)]
    before = await commands_so_far(redis)
    await redis.script_flush()
    assert 104 == await link.run(script, ["n"], [100]), "NOSCRIPT is no failure, and the script ran once"
    assert 105 == await link.run(script, ["n"], [100])
    counted = await commands_during(redis, before)
    assert (1, 2) == (counted["eval"], counted["evalsha"])


async def test_no_moment_of_a_flush_costs_a_script_its_answer(link: RedisLink, redis: Redis) -> None:
    script = Script(COUNT)

    answered = asyncio.Event()

    async def flush() -> None:
        while not answered.is_set():
            await redis.script_flush()

    flushing = asyncio.create_task(flush())
    try:
        assert list(range(101, 301)) == [await link.run(script, ["n"], [100]) for _ in range(200)]
    finally:
        answered.set()
        await flushing


async def test_the_pool_waits_a_moment_then_refuses_and_recovers_at_once(redis_url: str, redis: Redis) -> None:
    async with open_redis(redis_url, max_connections=2) as link:

        async def slow() -> object:
            return await link.call(lambda client: client.blpop(["queue"], timeout=1))

        async def answer_soon() -> None:
            await asyncio.sleep(0.15)
            await redis.lpush("queue", "1", "2")

        started = perf_counter()
        *answers, _ = await asyncio.gather(*(slow() for _ in range(50)), answer_soon(), return_exceptions=True)
        assert perf_counter() - started < BUDGET_S
        assert [2, 48] == [sum(isinstance(answer, kind) for answer in answers) for kind in (tuple, Unavailable)]
        assert not link.circuit.is_open, "a crowd of our own says nothing about Redis"
        await ask(link)
        assert 0 == in_use(link)


async def test_a_storm_of_cancellations_leaks_no_connection(link: RedisLink) -> None:
    await link.call(lambda client: client.mset({f"user-{number}": f"data of {number}" for number in range(100)}))

    async def impatient(number: int) -> object:
        async with asyncio.timeout(number % 6 / 1000):
            return await link.call(lambda client: client.get(f"user-{number}"))

    for _ in range(5):
        answers = await asyncio.gather(*(impatient(number) for number in range(100)), return_exceptions=True)
        wrong = [
            answer
            for number, answer in enumerate(answers)
            if not isinstance(answer, TimeoutError | Unavailable) and answer != f"data of {number}".encode()
        ]
        assert [] == wrong
    assert 0 == in_use(link)


async def test_a_redis_that_is_full_refuses_writes_and_goes_on_answering_reads(
    own_redis: RedisProcess, own_link: RedisLink
) -> None:
    await own_link.call(lambda client: client.set("a", "kept"))
    await own_link.call(lambda client: client.config_set("maxmemory", "1"))
    for _ in range(20):
        with pytest.raises(Unavailable):
            await own_link.call(lambda client: client.set("b", "x" * 1000))
        assert b"kept" == await ask(own_link)
    for _ in range(20):
        with pytest.raises(Unavailable):
            await own_link.call(lambda client: client.set("b", "x" * 1000))
    assert not own_link.circuit.is_open, "an error is an answer: Redis is there"
    assert own_redis.running


async def test_the_time_is_redis_own(link: RedisLink) -> None:
    assert abs(time() - await link.now()) < 0.5


@pytest.fixture
def sentinel(own_redis: RedisProcess, tmp_path: Path) -> Iterator[str]:
    """Run a Sentinel that watches a master, and return the address of the pair."""
    port, configuration = free_port(), tmp_path / "sentinel.conf"
    configuration.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {tmp_path}\nsentinel monitor lab 127.0.0.1 {own_redis.port} 1\n"
    )
    child = GuardedChild(
        [str(find_redis_server()), str(configuration), "--sentinel"], environment=inherited_environment()
    )
    try:
        yield f"redis+sentinel://127.0.0.1:{free_port()},127.0.0.1:{port}/0?master=lab"
    finally:
        child.stop(within_s=5)


async def test_sentinel_is_asked_for_the_master(sentinel: str) -> None:
    async with open_redis(sentinel) as link:
        started = perf_counter()
        while True:
            try:
                assert True is await link.call(lambda client: client.set("a", "1"))
                break
            except Unavailable:
                assert perf_counter() - started < 5
                await asyncio.sleep(0.1)
        assert b"1" == await ask(link)
