"""The free bench, the tamper bench and the frontier, which have no lesson that goes through all of them."""

import json
from pathlib import Path

import pytest
from playwright.async_api import Browser

from lab.processes import free_port
from tests.browser.conftest import visiting
from tests.browser.own_lab import OwnLab
from tests.browser.visitor import Look, Visit, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="session")]

LOOKS = [Look(1280, "light"), Look(320, "dark", reduced_motion=True)]
_RACE = 8
"""A login, five calls and a logout at once, and a call after them."""
_RESULT = Path(__file__).resolve().parents[1] / "bench" / "data" / "small.json"


async def opened(visitor: Visitor) -> None:
    """Open every part of the bench."""
    await visitor.go("#/bench")
    closed = visitor.page.locator("main details.bench-section:not([open]) > summary")
    while await closed.count():
        await closed.first.click()


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.theme)
async def test_every_control_of_the_bench_does_what_it_says(visit: Visit, look: Look) -> None:
    async with visit(look) as visitor:
        await opened(visitor)
        await visitor.press("Log in on both sides")
        await visitor.sees("auth answered 200")
        await visitor.press("Send this request")
        await visitor.sees("resource-1 answered 200")
        await visitor.press("Ask every server")
        await visitor.sees("accepted")
        await visitor.press("Refresh")
        await visitor.sees("POST /oauth/token")
        await visitor.press("Race calls against the logout")
        await visitor.sees("session-2 answered 204")
        await visitor.press("List the keys")
        await visitor.sees("auth answered 200")
        await visitor.page.locator("main").get_by_role("button", name="Off", exact=True).first.click()
        await visitor.page.locator("#banners li").wait_for()
        await visitor.press("Heal everything")
        await visitor.page.locator("#banners li").wait_for(state="detached")
        await visitor.fits()
        await visitor.every_figure_has_its_table()
        await visitor.is_accessible()
        await visitor.keep("bench")


async def test_no_session_comes_back_from_the_dead(visit: Visit) -> None:
    """Five calls and a logout at the same moment; whatever came of the calls, the one after them is refused."""
    async with visit() as visitor:
        await visitor.go("#/bench")
        await visitor.press("Race calls against the logout")
        await visitor.sees("session-2 answered 204")
        rows = visitor.page.locator("main .messages > li .came")
        for _ in range(50):
            if len(answers := await rows.all_inner_texts()) >= _RACE:
                break
            await visitor.page.wait_for_timeout(200)
        assert len(answers) == _RACE, answers
        assert "session-1 answered 401" in answers[-1]


PRESETS = {
    "a payload byte flipped": "resource-1 refused it at the check: mac",
    "alg none": "resource-1 refused it at the check: parse",
    "alg none, with the old signature": "resource-1 refused it at the check: algorithm",
    "unknown kid": "resource-1 refused it at the check: key",
    "wrong audience": "resource-1 refused it at the check: audience",
    "expired": "resource-1 refused it at the check: time",
    "not yet valid": "resource-1 refused it at the check: time",
    "public key as HMAC secret": "public refused it at the check: algorithm",
}


async def test_each_forgery_is_refused_by_the_check_that_is_there_for_it(visit: Visit) -> None:
    async with visit() as visitor:
        await visitor.go("#/5/1")
        await visitor.press("Put a token on the bench")
        for name, outcome in PRESETS.items():
            await visitor.choose(name, "Preset")
            await visitor.press("Send")
            await visitor.sees(outcome)
        await visitor.keep("tampered")


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.theme)
async def test_half_a_token_and_one_in_quotes_still_decode(visit: Visit, look: Look) -> None:
    async with visit(look) as visitor:
        await visitor.go("#/5/1")
        await visitor.press("Put a token on the bench")
        await visitor.sees("Three parts, read without any key")
        field = visitor.page.get_by_label("Token", exact=True)
        token = await field.input_value()
        head, payload, _ = token.split(".")
        await field.fill(f'"Bearer {token}"')
        await visitor.sees("Three parts, read without any key")
        await field.fill(f"{head}.{payload[:-20]}")
        await visitor.sees("Read as far as it goes")
        assert '"alg": "HS256"' in await visitor.page.get_by_label("Header", exact=True).input_value()
        assert '"alice"' in await visitor.page.get_by_label("Payload", exact=True).input_value()
        await visitor.is_accessible()
        await visitor.fits()


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.theme)
async def test_the_frontier_draws_what_the_last_result_says(
    browser: Browser, own_lab: OwnLab | None, artefacts: Path, tmp_path: Path, look: Look
) -> None:
    if own_lab is None:
        pytest.skip("which result a running system has is not known here")
    result = json.loads(_RESULT.read_text(encoding="utf-8"))
    (tmp_path / "small.json").write_text(json.dumps(result), encoding="utf-8")
    with own_lab.second_gateway(port=free_port(), results=tmp_path) as url:
        async with visiting(browser, url, artefacts, look) as visitor:
            await visitor.go("#/15/1")
            await visitor.page.locator("svg.chart .point").first.wait_for()
            drawn = await visitor.page.locator("svg.chart .point text").all_text_contents()
            measured = {
                name for name, arm in result["arms"].items() if arm.get("strategy") and arm.get("revocation_lag_ms")
            }
            assert set(drawn) <= measured
            assert len(drawn) > 3
            rows = await visitor.page.locator("figure[data-key=frontier] tbody th").all_text_contents()
            assert sorted(drawn) == sorted(rows)
            assert result["started_at"][:10] in await visitor.page.locator("main").inner_text()
            await visitor.fits()
            await visitor.every_figure_has_its_table()
            await visitor.is_accessible()
            await visitor.keep("frontier")


async def test_without_a_result_the_frontier_says_how_to_make_one(
    browser: Browser, own_lab: OwnLab | None, artefacts: Path, tmp_path: Path
) -> None:
    if own_lab is None:
        pytest.skip("which result a running system has is not known here")
    with own_lab.second_gateway(port=free_port(), results=tmp_path) as url:
        async with visiting(browser, url, artefacts) as visitor:
            await visitor.go("#/15/1")
            await visitor.sees("make bench")
