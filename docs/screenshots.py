# ruff: noqa: INP001 - a script beside the pages that it illustrates
"""Take the two pictures of the README anew, of the lab that runs here: `make screenshots`."""

import asyncio
import os
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from tests.browser.conftest import CHROMIUM_FLAGS, system_chromium
from tests.browser.visitor import Look, Theme, Visitor

IMAGES = Path(__file__).parent / "images"
_URL = os.environ.get("AUTHLAB_URL", "http://127.0.0.1:8470").rstrip("/")
_WIDTH, _HEIGHT = 1280, 860
_PICTURES: dict[Theme, str] = {"light": "#/1/3", "dark": "#/6/3"}


async def take(browser: Browser, theme: Theme, where: str) -> Path:
    """Do a step as a learner would, with its credentials got in the step before, and keep what is to be seen."""
    context = await browser.new_context(viewport={"width": _WIDTH, "height": _HEIGHT}, color_scheme=theme)
    visitor = Visitor(await context.new_page(), _URL, IMAGES, Look(_WIDTH, theme))
    await visitor.open("#/1/2")
    await visitor.press("Log in on both sides")
    await visitor.sees("auth answered 200")
    await visitor.go(where)
    for line in await visitor.instructions():
        await visitor.follow(line)
    await visitor.page.mouse.move(0, 0)
    await visitor.page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    file = IMAGES / f"page-{theme}.png"
    await visitor.page.screenshot(path=file, animations="disabled")
    await visitor.reset()
    await context.close()
    return file


async def main() -> None:
    """Take every picture."""
    IMAGES.mkdir(exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=system_chromium(), args=CHROMIUM_FLAGS)
        for theme, where in _PICTURES.items():
            file = await take(browser, theme, where)
            print(f"{file.relative_to(IMAGES.parents[1])}: {file.stat().st_size} bytes")  # noqa: T201 - what was asked for
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
