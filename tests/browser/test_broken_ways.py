"""The stream of events is cut, the lab goes away, a server dies: the page says so and finds its way back."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Cookie

from lab.fault_proxy_client import FaultProxy
from lab.processes import free_port
from tests.browser.conftest import visiting
from tests.browser.own_lab import OwnLab
from tests.browser.visitor import Look, Visit, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="session")]

_LINK_SAYS = "(words) => document.getElementById('link')?.textContent.includes(words)"
_SAYS = "(words) => document.querySelector('main').innerText.includes(words)"


async def link_says(visitor: Visitor, words: str) -> None:
    """Wait until the page says how it is connected."""
    await visitor.page.wait_for_function(_LINK_SAYS, arg=words, timeout=30_000)


async def test_a_cut_stream_is_told_and_what_happened_meanwhile_is_caught_up_on(
    visit: Visit, cut_way: tuple[Browser, FaultProxy], lab_url: str, artefacts: Path
) -> None:
    """The other tab stands for everything that goes on while this one is cut off."""
    browser, proxy = cut_way
    async with visiting(browser, lab_url, artefacts) as visitor, visit() as elsewhere:
        await visitor.go("#/1/1")
        await visitor.press("Ask without a credential")
        await visitor.sees("session-1 answered 401")
        ours = await visitor.page.context.cookies()
        await elsewhere.page.context.add_cookies(_copied(ours, lab_url))
        await elsewhere.page.reload()
        await elsewhere.open("#/1/1")
        visitor.expect_troubles = True
        proxy.refuse(for_s=60)
        await link_says(visitor, "disconnected")
        assert "Disconnected from the lab" in await visitor.page.locator("#banners").inner_text()
        await visitor.keep("disconnected")
        await visitor.press("Ask without a credential")
        await visitor.page.wait_for_function(_SAYS, arg="The lab does not answer")
        await elsewhere.press("Ask without a credential")
        await elsewhere.sees("session-1 answered 401")
        proxy.heal()
        await link_says(visitor, "live")
        visitor.expect_troubles = False
        assert "" == await visitor.page.locator("#banners").inner_text()
        rows = "main .messages > li"
        await visitor.page.wait_for_function(f"() => document.querySelectorAll('{rows}').length === 2")
        numbers = await visitor.page.locator("main .messages > li").evaluate_all(
            "(all) => all.map((one) => one.dataset.key)"
        )
        theirs = await elsewhere.page.locator(rows).evaluate_all("(all) => all.map((one) => one.dataset.key)")
        assert theirs == numbers


def _copied(cookies: list[Cookie], url: str) -> list[Any]:
    return [{"name": one.get("name"), "value": one.get("value"), "url": url} for one in cookies]


async def test_a_stream_that_hangs_is_noticed_without_an_error(
    cut_way: tuple[Browser, FaultProxy], lab_url: str, artefacts: Path
) -> None:
    """Nothing is reset and nothing ends: only the heartbeat is missed."""
    browser, proxy = cut_way
    async with visiting(browser, lab_url, artefacts) as visitor:
        visitor.expect_troubles = True
        proxy.hang(for_s=60)
        await link_says(visitor, "disconnected")
        proxy.heal()
        await link_says(visitor, "live")


async def test_a_lab_that_was_restarted_is_told_and_a_reload_helps(
    browser: Browser, own_lab: OwnLab | None, artefacts: Path
) -> None:
    if own_lab is None:
        pytest.skip("nobody restarts a system that is only visited")
    port = free_port()
    context = await browser.new_context()
    with own_lab.second_gateway(port=port) as url:
        visitor = Visitor(await context.new_page(), url, artefacts, Look())
        await visitor.open()
    await link_says(visitor, "disconnected")
    with own_lab.second_gateway(port=port):
        await link_says(visitor, "restarted")
        await visitor.press("Reload the page")
        await link_says(visitor, "live")
        await context.close()


async def test_a_server_that_dies_under_the_page_is_shown_and_can_be_started_again(
    visit: Visit, own_lab: OwnLab | None
) -> None:
    if own_lab is None:
        pytest.skip("nobody kills a server of a system that is only visited")
    async with visit() as visitor:
        await visitor.go("#/2/2")
        own_lab.kill("resource-2")
        await visitor.page.wait_for_function(
            "() => document.querySelector('#map figcaption').innerText.includes('resource-2 is silent')", timeout=30_000
        )
        await visitor.press("Show it to three servers")
        for told in ("resource-1 answered 200", "resource-2 gave no answer", "resource-3 answered 200"):
            await visitor.sees(told)
        await visitor.keep("a-server-died")
        await visitor.is_accessible()
        await visitor.go("#/bench")
        await visitor.page.get_by_text("Break something").click()
        await (
            visitor.page.locator(".fault-panel")
            .get_by_role("combobox", name="Server", exact=True)
            .select_option("resource-2")
        )
        await visitor.press("Restart it")
        await visitor.page.wait_for_function(
            "() => !document.querySelector('#map figcaption').innerText.includes('resource-2')", timeout=30_000
        )
        await visitor.go("#/2/2")
        await visitor.press("Show it to three servers")
        await visitor.sees("resource-2 answered 200")
