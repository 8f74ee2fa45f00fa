"""A message in full: why, what it says, the bytes, and a line that does the same in a terminal."""

import asyncio
import json

import pytest

from tests.browser.visitor import Look, Visit, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="session")]

LOOKS = [Look(1280, "light"), Look(320, "dark")]


async def opened(visitor: Visitor, where: str, row: str) -> dict[str, str]:
    """Do a step, open its first message from a server, and return each part of what is shown."""
    await visitor.go("#/1/2")
    await visitor.press("Log in on both sides")
    await visitor.sees("auth answered 200")
    await visitor.go(where)
    for line in await visitor.instructions():
        await visitor.follow(line)
    await visitor.page.locator("main .message").filter(has_text=row).first.click()
    sections = visitor.page.locator("dialog[open] section")
    return {await one.locator("h3").inner_text(): await one.inner_text() for one in await sections.all()}


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.theme)
async def test_a_message_tells_why_what_it_says_and_what_was_on_the_wire(visit: Visit, look: Look) -> None:
    async with visit(look) as visitor:
        parts = await opened(visitor, "#/1/3", "resource-1 answered 200")
        assert ["Why", "What it says", "On the wire", "In a terminal"] == list(parts)
        assert "the last one" in parts["Why"]
        assert "mac" in parts["Why"]
        assert "No store executed a command meanwhile." in parts["Why"]
        assert '"alice"' in parts["What it says"]
        assert "Authorization: Bearer eyJ" in parts["On the wire"]
        assert "HTTP/1.1 200 OK" in parts["On the wire"]
        await visitor.is_accessible()
        await visitor.fits()
        await visitor.keep("message")
        await visitor.page.keyboard.press("Escape")
        assert 0 == await visitor.page.locator("dialog[open]").count()


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.theme)
async def test_the_cookie_that_no_script_can_see_is_on_the_card(visit: Visit, look: Look) -> None:
    async with visit(look) as visitor:
        assert "" == await visitor.page.evaluate("document.cookie")
        parts = await opened(visitor, "#/1/3", "session-1 answered 200")
        assert "Cookie: " in parts["On the wire"]
        assert "session=" in parts["On the wire"]
        assert "1 store command meanwhile" in parts["Why"]
        await visitor.is_accessible()


async def test_a_refusal_names_the_check_that_decided(visit: Visit) -> None:
    async with visit() as visitor:
        await visitor.go("#/5/1")
        for line in await visitor.instructions():
            await visitor.follow(line)
        await visitor.press("Show the message")
        why = await visitor.page.locator("dialog[open] section").first.inner_text()
        assert "mac refused decided" in " ".join(why.split())
        assert "nothing after it was asked" in why


@pytest.mark.parametrize("server", ["resource-1", "session-1"])
async def test_the_line_for_a_terminal_gets_the_same_answer(visit: Visit, server: str) -> None:
    async with visit() as visitor:
        await opened(visitor, "#/1/3", f"{server} answered 200")
        line = await visitor.page.locator("dialog[open] .copy code, dialog[open] .copy pre").first.inner_text()
        process = await asyncio.create_subprocess_exec(
            "bash", "-c", line, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
        printed, _ = await process.communicate()
        body = printed.decode()[printed.decode().index("{") :]
        assert "Alice" == json.loads(body)["name"], line
