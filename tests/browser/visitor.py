"""Somebody who does what a lesson says, word for word, by mouse or by keyboard alone, and looks whether it is so."""

import re
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.async_api import ConsoleMessage, Locator, Page, Request

AXE = Path(__file__).parent / "axe" / "axe.min.js"
_SOON_MS = 10_000
_WAIT_MS = 60_000
_MAX_TABS = 150
_SEEN = ".seen, .explain, .status"
_IS_SEEN = """(text) => [...document.querySelectorAll('main .seen, main .explain, main .status')].some(
    (one) => one.checkVisibility() && one.innerText.replace(/\\s+/g, ' ').includes(text))"""
_WITHOUT_TABLE = """() => [...document.querySelectorAll('figure, .map svg, svg.chart')].filter((one) => {
    const whole = one.closest('figure');
    return !whole?.querySelector('table') || !whole.querySelector('figcaption')?.innerText;
}).map((one) => one.dataset.key ?? one.getAttribute('aria-label'))"""
# The address changes first; what is to be seen follows with the event.
_GO = """(where) => location.hash === where || new Promise((done) => {
    addEventListener('hashchange', () => requestAnimationFrame(done), {once: true});
    location.hash = where;
})"""
_IS_DRAWN = """(before) => location.href !== before && (location.hash === '#/bench' ||
    document.querySelector('nav.steps [aria-current]')?.getAttribute('href') === location.hash)"""
_FOCUSED = """(wanted) => { const one = document.activeElement; return one === wanted; }"""
_A_TOKEN = "eyJ"
"""How every JWT begins, for it begins with a JSON object."""
# The browser notes every refusal of a server; refusals are what the lessons are about.
_REFUSED_BY_A_SERVER = re.compile(r"/s/[a-z0-9-]+/")


Theme = Literal["light", "dark"]


@dataclass(frozen=True)
class Look:
    """How somebody looks at the page."""

    width: int = 1280
    theme: Theme = "light"
    reduced_motion: bool = False
    forced_colors: bool = False


class Visitor:
    """One browser tab and what is done in it."""

    def __init__(self, page: Page, url: str, artefacts: Path, look: Look) -> None:
        self.page = page
        self.url = url
        self.by_keyboard = False
        self.artefacts = artefacts
        self._look = look
        self.troubles: list[str] = []
        self.expect_troubles = False
        """While the way is cut on purpose, the browser complains, and rightly."""
        self._watch(page)

    def _watch(self, page: Page) -> None:
        """Note what must never happen: an error in the console, an exception, a request to anywhere else."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.troubles.append(f"exception: {error}"))
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        at = message.location.get("url", "")
        if message.type == "error" and not self.expect_troubles and not _REFUSED_BY_A_SERVER.search(at):
            self.troubles.append(f"console: {message.text} ({at})")

    def _request(self, request: Request) -> None:
        if _A_TOKEN in request.url:
            self.troubles.append(f"a token in an address: {request.url}")
        if urlsplit(request.url).netloc != urlsplit(self.url).netloc:
            self.troubles.append(f"request to another origin: {request.url}")

    def nothing_went_wrong(self) -> None:
        """Fail for everything noted."""
        assert [] == self.troubles, self.troubles

    async def open(self, where: str = "") -> None:
        """Load the page and wait until the lab has told it what runs."""
        await self.page.goto(f"{self.url}/{where}")
        await self.page.wait_for_function("() => document.getElementById('link').textContent.includes('live')")
        await self.page.wait_for_function("() => document.querySelectorAll('#map .chip').length > 0")

    async def go(self, where: str) -> None:
        """Go to a place on the page, as a link would."""
        await self.page.evaluate(_GO, where)

    async def reset(self) -> None:
        """Press Reset and wait until it is done."""
        await self.press("Reset")
        done = "() => document.getElementById('reset').getAttribute('aria-disabled') === null"
        await self.page.wait_for_function(done)

    async def instructions(self) -> list[str]:
        """Read what the step tells to do, as it is written."""
        return [" ".join(line.split()) for line in await self.page.locator("main .todo > li").all_inner_texts()]

    async def follow(self, line: str) -> None:
        """Do what one line says. An instruction that nobody could follow to the letter fails."""
        for pattern, verb in self._verbs():
            if match := re.fullmatch(pattern, line):
                await verb(*match.groups())
                return
        raise AssertionError(f"nobody can follow this to the letter: {line}")

    def _verbs(self) -> list[tuple[str, Callable[..., Awaitable[None]]]]:
        return [
            (r"Press “([^”]+)”\.", self.press),
            (r"You see “([^”]+)”\.", self.sees),
            (r"Wait until you see “([^”]+)”\.", self.waits_for),
            (r"Choose “([^”]+)” under “([^”]+)”\.", self.choose),
            (r"Set “([^”]+)” to “([^”]+)”\.", self.slide),
        ]

    async def press(self, name: str) -> None:
        """Press the button of this name, once nothing else is under way."""
        button = self.page.get_by_role("button", name=name, exact=True)
        await self._nothing_is_under_way()
        await self._reach(button)
        if self.by_keyboard:
            await self.page.keyboard.press("Enter")
        else:
            await button.click()

    async def sees(self, text: str, *, timeout_ms: int = _SOON_MS) -> None:
        """Wait a moment until a text is in what the step shows."""
        try:
            await self.page.wait_for_function(_IS_SEEN, arg=text, timeout=timeout_ms)
        except Exception as error:
            await self.keep("missing")
            shown = await self.page.locator("main").inner_text()
            raise AssertionError(f"“{text}” is not to be seen in:\n{shown}") from error

    async def waits_for(self, text: str) -> None:
        """Wait as long as a learner would."""
        await self.sees(text, timeout_ms=_WAIT_MS)

    async def choose(self, option: str, name: str) -> None:
        """Choose an option of the list of this name."""
        chooser = self.page.get_by_role("main").get_by_role("combobox", name=name, exact=True)
        await self._nothing_is_under_way()
        await self._reach(chooser)
        if not self.by_keyboard:
            await chooser.select_option(option)
            return
        await self.page.keyboard.press("Home")
        for _ in range(await chooser.locator("option").count()):
            if await chooser.input_value() == option:
                return
            await self.page.keyboard.press("ArrowDown")
        assert option == await chooser.input_value()

    async def slide(self, name: str, value: str) -> None:
        """Move a slider with the arrow keys."""
        slider = self.page.get_by_role("slider", name=name)
        await self._reach(slider)
        await slider.focus()
        await self.page.keyboard.press("Home")
        for _ in range(int(value)):
            await self.page.keyboard.press("ArrowRight")
        assert value == await slider.input_value()

    async def next(self) -> None:
        """Go one step on."""
        way = self.page.locator("main .way a.primary")
        before = self.page.url
        if self.by_keyboard:
            await self._reach(way)
            await self.page.keyboard.press("Enter")
        else:
            await way.click()
        await self.page.wait_for_function(_IS_DRAWN, arg=before)

    async def _nothing_is_under_way(self) -> None:
        """Wait, as a learner would, until what was begun before is done."""
        await self.page.wait_for_function(
            "() => !document.querySelector('button[aria-disabled=true]')", timeout=_WAIT_MS
        )

    async def _reach(self, wanted: Locator) -> None:
        """Come to an element: with Tab alone by keyboard, and it must be visible in any case."""
        await wanted.wait_for(state="visible", timeout=_SOON_MS)
        if not self.by_keyboard:
            return
        handle = await wanted.element_handle()
        for _ in range(_MAX_TABS):
            if await self.page.evaluate(_FOCUSED, handle):
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError("it cannot be reached with the Tab key")

    async def fits(self) -> None:
        """Fail when the page is wider than the window."""
        wide = await self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{wide} px too wide at {self.page.url}"

    async def every_figure_has_its_table(self) -> None:
        """Fail for a figure without the same as a table, or without a sentence that says what it shows."""
        without = await self.page.evaluate(_WITHOUT_TABLE)
        assert [] == without, f"{without} at {self.page.url}"

    async def is_accessible(self, part: str = "html") -> None:
        """Fail for every serious or critical finding of axe in the page, or in a part of it."""
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: dict[str, Any] = await self.page.evaluate("(part) => axe.run(part, {resultTypes: ['violations']})", part)
        serious = [
            f"{one['id']} at {self.page.url}: {node['target']} {node.get('failureSummary', '')[:300]}"
            for one in found["violations"]
            if one["impact"] in {"serious", "critical"}
            for node in one["nodes"][:3]
        ]
        assert [] == serious, serious

    async def keep(self, name: str) -> None:
        """Keep a screenshot."""
        place = re.sub(r"[^a-z0-9]+", "-", self.page.url.partition("#")[2]).strip("-")
        file = self.artefacts / f"{name}-{place or 'page'}-{self._look.theme}-{self._look.width}.png"
        await self.page.screenshot(path=file, full_page=True)


Visit = Callable[..., AbstractAsyncContextManager[Visitor]]
"""Opens the page as a new learner, with a `Look`."""
