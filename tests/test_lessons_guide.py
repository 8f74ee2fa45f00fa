"""The page, the terminal and the teacher's guide have the same fifteen lessons: numbers, titles, questions."""

import re
from pathlib import Path

import pytest

from lab.tour.lesson import Lesson
from lab.tour.lessons import LESSONS

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "docs" / "lessons"
PAGE = ROOT / "lab" / "static" / "js" / "lessons"
PARTS = ["Predict", "What to do", "What you see", "Talk about it", "Exercise", "Answer"]
_CURLY = "\N{RIGHT SINGLE QUOTATION MARK}"


def on_page() -> list[tuple[str, str]]:
    """Return title and question of each lesson of the page, in its order."""
    index = (PAGE / "index.js").read_text(encoding="utf-8")
    files = dict(re.findall(r"^import (\w+) from '\./([\w-]+\.js)';$", index, re.MULTILINE))
    (listed,) = re.findall(r"LESSONS = \[(.*?)\]", index, re.DOTALL)
    texts = [(PAGE / files[name]).read_text(encoding="utf-8") for name in re.findall(r"\w+", listed)]
    return [(_member("title", text), _member("question", text)) for text in texts]


def _member(name: str, text: str) -> str:
    (value,) = re.findall(rf"^  {name}: '(.*)',$", text, re.MULTILINE)
    return str(value)


def guide_of(lesson: Lesson) -> str:
    """Return the guide to a lesson."""
    (file,) = GUIDE.glob(f"{lesson.number:02}-*.md")
    return file.read_text(encoding="utf-8")


def test_the_terminal_teaches_the_lessons_of_the_page() -> None:
    assert list(range(1, 16)) == [lesson.number for lesson in LESSONS]
    plain = [(title, question.replace(_CURLY, "'")) for title, question in on_page()]
    assert plain == [(lesson.title, lesson.question) for lesson in LESSONS]


def test_there_is_a_guide_to_each_lesson_and_to_nothing_else() -> None:
    assert len(LESSONS) == len([file for file in GUIDE.glob("*.md") if file.name != "README.md"])


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.title)
def test_the_guide_asks_what_the_lesson_asks_and_has_every_part(lesson: Lesson) -> None:
    text = guide_of(lesson)
    question = on_page()[lesson.number - 1][1]
    assert text.startswith(f"# {lesson.number}. {lesson.title}\n\n*{question}*\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == PARTS
    assert f"`#/{lesson.number}/0`" in text
    assert f"`authlab tour --lesson {lesson.number}`" in text
    for part in re.split(r"^## .*$", text, flags=re.MULTILINE)[1:]:
        assert len(part.split()) > 20


def test_the_index_lists_every_lesson_and_both_plans_use_some() -> None:
    index = (GUIDE / "README.md").read_text(encoding="utf-8")
    for lesson in LESSONS:
        (file,) = GUIDE.glob(f"{lesson.number:02}-*.md")
        assert f"| {lesson.number} | [{lesson.title}]({file.name}) |" in index
    for minutes in (45, 90):
        plan = index.partition(f"\n## {minutes} minutes\n")[2].partition("\n## ")[0]
        assert minutes == sum(int(part) for part in re.findall(r"^\| (\d+) \|", plan, re.MULTILINE))
