"""A real browser in front of a real lab: the one that AUTHLAB_URL names, or one of this test run's own."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from tests.browser.own_lab import OwnLab, running_own_lab
from tests.browser.visitor import Look, Visit, Visitor

pytestmark = pytest.mark.browser

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(autouse=True, scope="session")
def nothing_blocks_the_event_loop() -> None:
    """Let the event loop block: it drives a browser, and all servers are other processes."""


@pytest.fixture(scope="session")
def own_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnLab | None]:
    """Start a lab on free ports; None where AUTHLAB_URL names a running one, which no test may break for good."""
    if "AUTHLAB_URL" in os.environ:
        yield None
        return
    with running_own_lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture(scope="session")
def lab_url(own_lab: OwnLab | None) -> str:
    """Return the address of the page."""
    return os.environ["AUTHLAB_URL"].rstrip("/") if own_lab is None else own_lab.url


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Start the system's Chromium."""
    program = os.environ.get("AUTHLAB_CHROMIUM") or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    assert program, "no Chromium: apt-get install chromium, or name one in AUTHLAB_CHROMIUM"
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=program, args=CHROMIUM_FLAGS)
        yield started
        await started.close()


@pytest.fixture
def artefacts(request: pytest.FixtureRequest) -> Path:
    """Return where this run keeps its screenshots."""
    directory = Path(os.environ.get("AUTHLAB_ARTEFACTS", request.config.rootpath / ".pytest_cache" / "screenshots"))
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@pytest.fixture
def visit(browser: Browser, lab_url: str, artefacts: Path) -> Visit:
    """Open the page as a new learner; when the block ends, everything that must never happen did not."""

    @asynccontextmanager
    async def visiting(look: Look | None = None) -> AsyncIterator[Visitor]:
        chosen = look or Look()
        context = await browser.new_context(
            viewport={"width": chosen.width, "height": 900},
            color_scheme=chosen.theme,
            reduced_motion="reduce" if chosen.reduced_motion else "no-preference",
            forced_colors="active" if chosen.forced_colors else "none",
        )
        visitor = Visitor(await context.new_page(), lab_url, artefacts)
        await visitor.open()
        try:
            yield visitor
        finally:
            await visitor.reset()
            await context.close()
        visitor.nothing_went_wrong()

    return visiting
