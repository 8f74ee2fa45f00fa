"""A real browser in front of a real lab: the one that AUTHLAB_URL names, or one of this test run's own."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright
from playwright.async_api import Error as PlaywrightError

from lab.fault_proxy_client import FaultProxy
from tests.browser.own_lab import OwnLab, running_own_lab
from tests.browser.visitor import Look, Visit, Visitor

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


def system_chromium() -> str:
    """Find the system's Chromium."""
    names = ("chromium", "chromium-browser", "google-chrome")
    program = os.environ.get("AUTHLAB_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    assert program, "no Chromium: apt-get install chromium, or name one in AUTHLAB_CHROMIUM"
    return program


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the program to start."""
    return system_chromium()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """Start the system's Chromium once; each visit has a context of its own, as if it were another browser."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="session")
async def cut_way(chromium: str, lab_url: str) -> AsyncIterator[tuple[Browser, FaultProxy]]:
    """Start a Chromium that reaches the page through a fault proxy, under the page's own address."""
    port = urlsplit(lab_url).port
    assert port
    with FaultProxy(port) as proxy:
        rule = f"--host-resolver-rules=MAP 127.0.0.1:{port} 127.0.0.1:{proxy.port}"
        async with async_playwright() as playwright:
            started = await playwright.chromium.launch(executable_path=chromium, args=[*CHROMIUM_FLAGS, rule])
            yield started, proxy
            await started.close()


@pytest.fixture(scope="session")
def artefacts(request: pytest.FixtureRequest) -> Path:
    """Return where this run keeps its screenshots."""
    directory = Path(os.environ.get("AUTHLAB_ARTEFACTS", request.config.rootpath / "tests" / "artefacts"))
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@asynccontextmanager
async def visiting(browser: Browser, url: str, artefacts: Path, look: Look | None = None) -> AsyncIterator[Visitor]:
    """Open the page as a new learner; when the block ends, everything that must never happen did not."""
    chosen = look or Look()
    context = await browser.new_context(
        viewport={"width": chosen.width, "height": 900},
        color_scheme=chosen.theme,
        reduced_motion="reduce" if chosen.reduced_motion else "no-preference",
        forced_colors="active" if chosen.forced_colors else "none",
    )
    visitor = Visitor(await context.new_page(), url, artefacts, chosen)
    try:
        await visitor.open()
        yield visitor
    finally:
        with suppress(PlaywrightError):  # a failing test has its own reason; what it broke is healed if it can be
            await visitor.reset()
        await context.close()
    visitor.nothing_went_wrong()


@pytest.fixture
def visit(browser: Browser, lab_url: str, artefacts: Path) -> Visit:
    """Open the page in the browser that all tests share."""
    return partial(visiting, browser, lab_url, artefacts)
