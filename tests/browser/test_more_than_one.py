"""Two tabs of one learner, two learners, and a page that is loaded again."""

import pytest
from playwright.async_api import Page

from tests.browser.visitor import Look, Visit, Visitor
from tests.support.patience import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="session")]

_MESSAGES = "main .messages > li"


async def log_in(visitor: Visitor) -> None:
    """Do the second step of the first lesson."""
    await visitor.go("#/1/2")
    for line in await visitor.instructions():
        await visitor.follow(line)


async def second_tab(visitor: Visitor, where: str) -> Visitor:
    """Open another tab of the same browser."""
    other = Visitor(await visitor.page.context.new_page(), visitor.url, visitor.artefacts, Look())
    await other.open(where)
    return other


async def messages(page: Page) -> list[str]:
    """Return the messages that a step shows, without what is said of their age."""
    texts = await page.locator(f"{_MESSAGES} .what > code").all_inner_texts()
    return sorted(texts)


async def same_messages(*pages: Page) -> bool:
    """Tell whether all tabs show the same; each has its own stream."""
    return len({tuple(await messages(page)) for page in pages}) == 1


async def test_a_second_tab_shows_what_the_first_did_and_goes_on_with_it(visit: Visit) -> None:
    async with visit() as first:
        other = await second_tab(first, "#/1/2")
        await log_in(first)
        await other.sees("session-1 answered 200")
        await until(lambda: same_messages(first.page, other.page))
        await other.go("#/1/3")
        for line in await other.instructions():
            await other.follow(line)
        await first.go("#/1/3")
        await first.sees("resource-1 answered 200")
        await other.reset()
        await first.page.wait_for_function("() => !document.querySelector('main .messages')")
        other.nothing_went_wrong()


async def test_what_another_tab_does_never_moves_the_focus(visit: Visit) -> None:
    async with visit() as first:
        await first.go("#/1/2")
        await first.page.locator("#pause").focus()
        other = await second_tab(first, "#/1/2")
        await log_in(other)
        await first.page.bring_to_front()
        await first.sees("session-1 answered 200")
        assert "pause" == await first.page.evaluate("document.activeElement.id")
        assert 0 == await first.page.evaluate("scrollY")


async def test_two_learners_do_not_see_each_other(visit: Visit) -> None:
    async with visit() as alice, visit() as other:
        await log_in(alice)
        await other.go("#/1/2")
        assert [] == await messages(other.page)
        assert "1/2" not in await other.page.locator("#map").inner_text()
        await other.reset()
        await alice.go("#/1/3")
        for line in await alice.instructions():
            await alice.follow(line)


async def test_a_page_that_is_loaded_again_is_where_it_was_and_goes_on(visit: Visit) -> None:
    """What was captured before is shown as such, and the credentials of then still serve."""
    async with visit() as visitor:
        await visitor.go("#/1/0")
        await visitor.page.get_by_label("401: they do not know who is asking").check()
        await log_in(visitor)
        before = await messages(visitor.page)
        await visitor.page.reload()
        assert visitor.page.url.endswith("#/1/2")
        await visitor.sees("captured earlier")
        await visitor.sees("session-1 answered 200")
        assert before == await messages(visitor.page)
        await visitor.next()
        for line in await visitor.instructions():
            await visitor.follow(line)
        assert "POST /login" not in await messages(visitor.page)
        await visitor.go("#/1/5")
        assert "You predicted it" in await visitor.page.locator("main").inner_text()


async def test_back_and_forward_go_through_the_steps(visit: Visit) -> None:
    async with visit() as visitor:
        await visitor.go("#/4/0")
        await visitor.next()
        await visitor.next()
        await visitor.page.go_back()
        assert visitor.page.url.endswith("#/4/1")
        assert "Get both" == await visitor.page.locator(".step-title").inner_text()
        await visitor.page.go_forward()
        assert "Read it" == await visitor.page.locator(".step-title").inner_text()


@pytest.mark.parametrize("where", ["#/99/0", "#/1/99", "#/1/x", "#nonsense", "#/"])
async def test_an_address_that_leads_nowhere_leads_to_a_lesson(visit: Visit, where: str) -> None:
    async with visit() as visitor:
        await visitor.go(where)
        await visitor.page.locator("main h1").wait_for()
        assert "Lesson 1 of 15" in await visitor.page.locator("main").inner_text()
