import asyncio

import pytest

from core.background import running_beside


async def test_it_runs_while_the_block_lasts_and_not_longer() -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.001)

    async with running_beside(tick()):
        await asyncio.sleep(0.02)
    ended_at = ticks
    await asyncio.sleep(0.02)
    assert 1 < ended_at == ticks


async def test_it_ends_even_where_a_cancellation_is_lost() -> None:
    """As `asyncio.wait_for` of Python 3.11 loses one that arrives in the moment in which it finishes."""
    lost = 0

    async def lose_two_cancellations() -> None:
        nonlocal lost
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                lost += 1
                if lost > 2:
                    raise

    async with asyncio.timeout(5), running_beside(lose_two_cancellations()):
        await asyncio.sleep(0)
    assert 3 == lost


async def test_what_it_raised_comes_out_when_the_block_ends() -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with running_beside(fail()):
            await asyncio.sleep(0)
