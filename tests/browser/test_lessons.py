"""Every instruction of every lesson is performed word for word, and what it says can be seen."""

import pytest

from tests.browser.visitor import Look, Visit, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="session")]

LESSONS = range(1, 16)
_PICTURED = 2
"""The step that is kept as a picture, and at which also what stands around the lesson is looked at."""


async def perform(visitor: Visitor, number: int, *, with_axe: bool = True) -> None:
    """Go through a lesson from its prediction to its point."""
    await visitor.go(f"#/{number}/0")
    await visitor.reset()
    steps = await visitor.page.locator("nav.steps li").count()
    for step in range(1, steps):
        await visitor.next()
        assert visitor.page.url.endswith(f"#/{number}/{step}")
        for line in await visitor.instructions():
            await visitor.follow(line)
        await visitor.fits()
        await visitor.every_figure_has_its_table()
        if with_axe:
            await visitor.is_accessible("html" if step == _PICTURED else "main")
        if step == _PICTURED:
            await visitor.keep("lesson")
    assert await visitor.page.locator("main .explain").inner_text()


@pytest.mark.parametrize("number", LESSONS)
async def test_a_lesson_comes_out_as_it_says_by_mouse_in_light_at_1280(visit: Visit, number: int) -> None:
    async with visit(Look(width=1280, theme="light")) as visitor:
        await perform(visitor, number)


@pytest.mark.parametrize("number", LESSONS)
async def test_a_lesson_comes_out_as_it_says_in_dark_at_320_with_reduced_motion(visit: Visit, number: int) -> None:
    async with visit(Look(width=320, theme="dark", reduced_motion=True)) as visitor:
        await perform(visitor, number)


@pytest.mark.parametrize("number", LESSONS)
async def test_a_lesson_comes_out_as_it_says_by_keyboard_alone(visit: Visit, number: int) -> None:
    """Without axe: what it would look at differs in nothing from the test by mouse."""
    async with visit(Look(width=1280, theme="dark")) as visitor:
        visitor.by_keyboard = True
        await perform(visitor, number, with_axe=False)
