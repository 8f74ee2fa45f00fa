"""The teacher's guide tells, word for word, to do what the page tells to do."""

import pytest

from lab.tour.lessons import LESSONS
from tests.browser.visitor import Visit
from tests.test_lessons_guide import guide_of

pytestmark = [pytest.mark.browser, pytest.mark.timeout(60), pytest.mark.asyncio(loop_scope="session")]

_TOLD = """async () => (await import('/static/js/lessons/index.js')).LESSONS.map((lesson) => ({
    point: lesson.point, ask: lesson.predict.ask, right: lesson.predict.options[lesson.predict.right],
    steps: lesson.steps.map((step) => `**${step.title}**: ${step.do.join(' ')}`),
}))"""


async def test_the_guide_is_the_page_word_for_word(visit: Visit) -> None:
    async with visit() as visitor:
        told = await visitor.page.evaluate(_TOLD)
    assert len(LESSONS) == len(told)
    for lesson, page in zip(LESSONS, told, strict=True):
        text = " ".join(guide_of(lesson).split())
        for line in [page["point"], page["ask"], f"What happens: {page['right']}.", *page["steps"]]:
            assert line in text, f"{lesson.title}: {line}"
