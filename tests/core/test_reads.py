import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import perf_counter

import pytest
from redis.asyncio import Redis

from core.errors import Unavailable
from core.reads import CoalescedReads
from core.redis_link import RedisLink, open_redis
from lab.processes import RedisProcess
from tests.support.stores import commands_during, commands_so_far

BUDGET_S = 0.3


@pytest.fixture
async def reads(redis_url: str) -> AsyncIterator[CoalescedReads]:
    async with open_redis(redis_url) as link:
        yield CoalescedReads(link)


@pytest.fixture
async def link(own_redis: RedisProcess) -> AsyncIterator[RedisLink]:
    async with open_redis(own_redis.url) as link:
        yield link


async def test_values_are_read_and_their_absence_too(reads: CoalescedReads, redis: Redis) -> None:
    await redis.mset({"a": b"1", "b": b"\xff\0"})
    assert b"1" == await reads.get("a")
    assert await reads.get("missing") is None
    assert [b"\xff\0", None, b"1"] == await reads.get_many("b", "missing", "a")


async def test_a_value_is_read_together_with_its_remaining_life(reads: CoalescedReads, redis: Redis) -> None:
    await redis.set("short", b"1", px=50_000)
    await redis.set("endless", b"2")
    await redis.set("x", b"3")
    before = await commands_so_far(redis)
    asked = [reads.get_with_life(key) for key in ("short", "missing", "endless", "short")]
    (short, left_ms), missing, endless, again = await asyncio.gather(*asked)
    assert (b"1", True) == (short, 49_000 < left_ms <= 50_000)
    assert [(None, -2), (b"2", -1), (b"1", left_ms)] == [missing, endless, again]
    assert {"mget": 1, "pttl": 3} == await commands_during(redis, before)


async def test_lives_and_values_of_one_moment_do_not_meet_each_others_replies(
    reads: CoalescedReads, redis: Redis
) -> None:
    await redis.mset({f"key-{number}": str(number) for number in range(30)})
    for number in range(30):
        await redis.pexpire(f"key-{number}", 100_000 * (number + 1))
    for size in (1, 2, 30):
        values = asyncio.gather(*(reads.get(f"key-{number}") for number in range(size)))
        lives = await asyncio.gather(*(reads.get_with_life(f"key-{number}") for number in range(0, size, 2)))
        assert [str(number).encode() for number in range(size)] == await values
        for number, (value, left_ms) in zip(range(0, size, 2), lives, strict=True):
            assert str(number).encode() == value
            assert 100_000 * number < left_ms <= 100_000 * (number + 1)


async def test_a_single_reader_costs_one_get(reads: CoalescedReads, redis: Redis) -> None:
    await reads.get("warm")
    before = await commands_so_far(redis)
    for _ in range(50):
        await reads.get("a")
    assert {"get": 50} == await commands_during(redis, before)


async def test_reads_of_one_moment_leave_as_one_command(reads: CoalescedReads, redis: Redis) -> None:
    await redis.mset({f"key-{number}": str(number) for number in range(40)})
    await reads.get("warm")
    before = await commands_so_far(redis)
    values = await asyncio.gather(*(reads.get(f"key-{number}") for number in range(40)))
    assert [str(number).encode() for number in range(40)] == values
    assert {"mget": 1} == await commands_during(redis, before)


async def test_identical_keys_are_asked_once(reads: CoalescedReads, redis: Redis) -> None:
    await redis.set("same", b"value")
    await reads.get("warm")
    before = await commands_so_far(redis)
    assert [b"value"] * 500 == await asyncio.gather(*(reads.get("same") for _ in range(500)))
    assert {"get": 1} == await commands_during(redis, before)


async def test_everyone_gets_their_own_values_out_of_a_crowd(reads: CoalescedReads, redis: Redis) -> None:
    await redis.mset({f"key-{number}": str(number) for number in range(1000)})

    async def one(number: int) -> bool:
        await asyncio.sleep(number % 7 / 1000)
        mine = await reads.get_many(f"key-{number}", "missing", f"key-{(number + 1) % 1000}")
        return [str(number).encode(), None, str((number + 1) % 1000).encode()] == mine

    assert all(await asyncio.gather(*(one(number) for number in range(1000))))


async def test_one_callers_cancellation_harms_no_other(reads: CoalescedReads, redis: Redis) -> None:
    await redis.mset({"a": b"1", "b": b"2"})
    for _ in range(50):
        tasks = [asyncio.ensure_future(reads.get(key)) for key in ("a", "a", "b", "b")]
        await asyncio.sleep(0)
        tasks[0].cancel()
        tasks[3].cancel()
        assert [b"1", b"2"] == list(await asyncio.gather(tasks[1], tasks[2]))
        assert b"1" == await reads.get("a"), "a reply that nobody waited for must not meet the next command"
        assert [True, True] == [tasks[0].cancelled(), tasks[3].cancelled()]


async def test_a_storm_of_cancellations_mixes_no_answers_up(reads: CoalescedReads, redis: Redis) -> None:
    """The class of bug behind a famous leak of other people's chats (redis-py #2624)."""
    await redis.mset({f"user-{number}": f"data of {number}" for number in range(200)})

    async def impatient(number: int) -> bytes | None:
        async with asyncio.timeout(number % 5 / 2000):
            return await reads.get(f"user-{number}")

    for _ in range(5):
        answers = await asyncio.gather(*(impatient(number) for number in range(200)), return_exceptions=True)
        wrong = [
            answer
            for number, answer in enumerate(answers)
            if not isinstance(answer, TimeoutError) and answer != f"data of {number}".encode()
        ]
        assert [] == wrong
        assert b"data of 7" == await reads.get("user-7")


async def test_trouble_reaches_every_caller_within_the_deadline(own_redis: RedisProcess, link: RedisLink) -> None:
    reads = CoalescedReads(link)
    await reads.get("warm")
    own_redis.pause()
    started = perf_counter()
    answers = await asyncio.gather(*(reads.get(f"key-{number}") for number in range(100)), return_exceptions=True)
    took_s = perf_counter() - started
    assert {Unavailable} == {type(answer) for answer in answers}
    assert len({id(answer) for answer in answers}) == 100, "a shared exception would collect everybody's traceback"
    assert took_s < BUDGET_S


async def test_what_was_answered_late_is_never_given_to_the_next(own_redis: RedisProcess, link: RedisLink) -> None:
    reads = CoalescedReads(link)
    await link.call(lambda client: client.mset({"first": b"1", "second": b"2"}))
    own_redis.pause()
    with pytest.raises(Unavailable):
        await reads.get("first")
    own_redis.resume()
    assert b"2" == await eventually_answered(lambda: reads.get("second"))


async def test_a_redis_that_is_gone_and_back_is_read_again_within_a_second(
    own_redis: RedisProcess, link: RedisLink
) -> None:
    reads = CoalescedReads(link)
    await reads.get("warm")
    await asyncio.to_thread(own_redis.kill)
    for _ in range(8):
        started = perf_counter()
        with pytest.raises(Unavailable):
            await reads.get("a")
        assert perf_counter() - started < BUDGET_S
    await asyncio.to_thread(own_redis.restart)
    await asyncio.to_thread(own_redis.wait_ready)
    started = perf_counter()
    assert await eventually_answered(lambda: reads.get("a")) is None
    assert perf_counter() - started < 1.0


async def test_closing_the_link_answers_whoever_still_waits(own_redis: RedisProcess) -> None:
    async with open_redis(own_redis.url) as link:
        reads = CoalescedReads(link)
        await reads.get("warm")
        own_redis.pause()
        waiting = reads.get("a")
        await asyncio.sleep(0.02)
    with pytest.raises(Unavailable):
        await waiting


@asynccontextmanager
async def impostor(*replies: bytes) -> AsyncIterator[str]:
    """Run something that answers each command with the next of some bytes, and hangs up at the end of them."""
    left = list(replies)
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        while await reader.read(4096) and left:
            writer.write(left.pop(0))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
        await asyncio.wait(serving, timeout=1)


BROKEN = {
    "hangs up": b"",
    "is cut off": b"$5\r\nva",
    "is no reply": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "is an error": b"-LOADING Redis is loading the dataset in memory\r\n",
    "has too few values": b"*1\r\n$1\r\n1\r\n",
    "has too many values": b"*3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n",
    "is one value for two keys": b"$1\r\n1\r\n",
    "comes twice": b"*2\r\n$1\r\n1\r\n$1\r\n2\r\n*2\r\n$1\r\n1\r\n$1\r\n2\r\n",
}


@pytest.mark.parametrize("reply", BROKEN)
async def test_a_reply_that_makes_no_sense_is_no_answer(reply: str) -> None:
    async with impostor(BROKEN[reply], BROKEN[reply]) as url, open_redis(url) as link:
        reads = CoalescedReads(link)
        started = perf_counter()
        try:
            async with asyncio.timeout(5):
                values = await reads.get_many("a", "b")
        except Unavailable:
            assert perf_counter() - started < BUDGET_S
        else:
            assert ("comes twice", [b"1", b"2"]) == (reply, values), "the surplus is thrown away with the connection"


async def eventually_answered(read: Callable[[], Awaitable[bytes | None]]) -> bytes | None:
    """Ask until there is an answer, for two seconds at most."""
    async with asyncio.timeout(2):
        while True:
            try:
                return await read()
            except Unavailable:
                await asyncio.sleep(0.02)
