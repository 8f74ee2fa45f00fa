"""What holds for the page as a whole: where it comes from, how much it weighs, how it looks, who decides."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from lab.gateway.page import STATIC
from tests.browser.visitor import Look, Theme, Visit, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="session")]

MOST_BYTES = 200 * 1024
_WEIGHT = """() => performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'))
    .filter((one) => !one.name.includes('/lab/')).reduce((sum, one) => sum + one.decodedBodySize, 0)"""
_PAINTED = "() => performance.getEntriesByName('first-contentful-paint').length"


def size(path: Path) -> int:
    """Return the bytes of a file."""
    return path.stat().st_size


async def test_the_whole_page_weighs_at_most_200_kilobytes() -> None:
    """Every file that there is, as it is: nothing is left out that a lesson would load later, and nothing is packed."""
    files = [path for path in STATIC.rglob("*") if path.is_file()]
    assert len(files) > 40
    assert sum(map(size, files)) <= MOST_BYTES


async def test_what_the_browser_unpacked_weighs_the_same(visit: Visit) -> None:
    async with visit() as visitor:
        assert 50_000 < await visitor.page.evaluate(_WEIGHT) <= MOST_BYTES


async def test_the_policy_lets_nothing_in_from_anywhere_else(browser: Browser, lab_url: str) -> None:
    page = await browser.new_page()
    answer = await page.goto(lab_url)
    assert answer is not None
    policy = (await answer.all_headers())["content-security-policy"]
    await page.close()
    assert "default-src 'self'" in policy
    assert not {"unsafe-inline", "unsafe-eval", "http:", "https:", "data:", "*"} & set(policy.replace("'", " ").split())


async def test_it_is_painted_before_any_server_has_answered(browser: Browser, lab_url: str) -> None:
    """Neither the lab's stream nor a server behind it ever answers here, and the lesson can be read."""
    page = await browser.new_page()

    async def never_answered(_route: object) -> None:
        """Leave the request open."""

    await page.route("**/lab/**", never_answered)
    await page.route("**/s/**", never_answered)
    await page.goto(f"{lab_url}/#/2/1", wait_until="commit")
    await page.get_by_role("heading", name="One token, three servers").wait_for()
    await page.get_by_role("button", name="Log in", exact=True).wait_for()
    await page.wait_for_function(_PAINTED)
    assert "connecting" in await page.locator("#link").inner_text()
    await page.unroute_all(behavior="ignoreErrors")
    await page.close()


async def test_without_scripts_it_says_where_the_lessons_are(browser: Browser, lab_url: str) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(lab_url)
    assert "authlab tour" in await page.locator("body").inner_text()
    await context.close()


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("chosen", ["light", "dark"])
async def test_a_chosen_theme_wins_over_the_system_and_stays(visit: Visit, chosen: str, width: int) -> None:
    system: Theme = "dark" if chosen == "light" else "light"
    async with visit(Look(width=width, theme=system)) as visitor:
        before = await background(visitor.page)
        await visitor.page.get_by_label("Theme").select_option(chosen)
        assert before != await background(visitor.page)
        await visitor.is_accessible()
        await visitor.page.reload()
        assert chosen == await visitor.page.get_by_label("Theme").input_value()
        assert before != await background(visitor.page)
        await visitor.keep(f"chosen-{chosen}")
        await visitor.fits()


async def background(page: Page) -> str:
    """Return the colour that the page is painted on."""
    colour: str = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    return colour


async def test_in_forced_colours_a_lesson_can_be_done(visit: Visit) -> None:
    async with visit(Look(forced_colors=True)) as visitor:
        await do_step(visitor, "#/2/2")
        await visitor.keep("forced-colours")


async def do_step(visitor: Visitor, where: str) -> None:
    """Follow one step to the letter."""
    await visitor.go(where)
    for line in await visitor.instructions():
        await visitor.follow(line)


async def test_pause_stops_what_moves_by_itself_and_goes_on(visit: Visit) -> None:
    """A countdown is what moves by itself: the banner of a fault."""
    async with visit() as visitor:
        await do_step(visitor, "#/8/2")
        banner = visitor.page.locator("#banners li")
        await banner.wait_for()
        await visitor.press("Pause")
        stopped = await banner.inner_text()
        await visitor.page.wait_for_timeout(2200)
        assert stopped == await banner.inner_text()
        await visitor.press("Pause")
        await visitor.page.wait_for_function(
            "(stopped) => document.querySelector('#banners li')?.innerText !== stopped", arg=stopped
        )


async def test_with_reduced_motion_nothing_travels_and_the_arrows_are_numbered(visit: Visit) -> None:
    for reduced, travels in ((True, 0), (False, 1)):
        async with visit(Look(reduced_motion=reduced)) as visitor:
            await visitor.go("#/1/2")
            await visitor.page.evaluate(
                """() => { window.dots = 0; new MutationObserver((all) => all.forEach((one) => one.addedNodes.forEach(
                (node) => { if (node.classList?.contains('dot')) window.dots += 1; }))).observe(
                document.getElementById('map'), {childList: true, subtree: true}); }"""
            )
            for line in await visitor.instructions():
                await visitor.follow(line)
            await visitor.page.wait_for_function("() => document.querySelectorAll('#map .count').length >= 2")
            assert travels == min(1, await visitor.page.evaluate("window.dots"))


async def test_the_first_tab_skips_to_the_lesson(visit: Visit) -> None:
    async with visit() as visitor:
        await visitor.go("#/8/3")
        await visitor.page.reload()
        await visitor.page.locator("main h1").wait_for()
        await visitor.page.keyboard.press("Tab")
        assert "skip" == await visitor.page.evaluate("document.activeElement.id")
        await visitor.page.keyboard.press("Enter")
        assert "main" == await visitor.page.evaluate("document.activeElement.id")
        assert visitor.page.url.endswith("#/8/3"), "it leads to the lesson where the learner is"


async def test_reset_takes_less_than_a_second_and_can_be_pressed_twice(visit: Visit) -> None:
    async with visit() as visitor:
        await do_step(visitor, "#/8/2")
        await visitor.page.locator("#banners li").wait_for()
        for _ in range(2):
            began_ms = await visitor.page.evaluate("performance.now()")
            await visitor.reset()
            assert await visitor.page.evaluate("performance.now()") - began_ms < 1000
            await visitor.page.locator("#banners li").wait_for(state="detached")
            assert [] == [one["name"] for one in await visitor.page.context.cookies() if one["name"] == "session"]


async def test_a_replay_is_tagged_and_sends_nothing(visit: Visit) -> None:
    async with visit() as visitor:
        await do_step(visitor, "#/1/2")
        sent: list[str] = []
        visitor.page.on("request", lambda request: sent.append(request.url))
        await visitor.press("Replay")
        await visitor.page.locator("main .tag.replay").wait_for()
        await visitor.page.locator("main .tag.replay").wait_for(state="detached")
        assert [] == sent
