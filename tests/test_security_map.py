"""docs/security.md: every requirement is there, and every row points to code and to a test that exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
HOW_MANY = {
    "JWT": 24, "KEY": 11, "OAU": 12, "REV": 6, "INT": 1, "RS": 5, "SES": 19, "PWD": 10, "HTTP": 11, "LOG": 1,
}  # fmt: skip
"""The requirements that this page answers, by their numbers."""
ROW = re.compile(r"^\| ([A-Z]+-\d+) \| ([012]) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
ROWS = {row[0]: row[1:] for row in ROW.findall(PAGE)}
REFERENCE = re.compile(r"`((?:[\w.-]+/)*[\w.-]+\.(?:py|lua|yaml))(?:::([\w.]+))?`")


@cache
def names_in(path: str) -> frozenset[str]:
    """Return everything that a Python file defines at its top, and the methods of its classes."""
    found = set()
    for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(name)
            case ast.ClassDef(name=name, body=body):
                methods = [part.name for part in body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)]
                found |= {name, *(f"{name}.{method}" for method in methods)}
            case ast.Assign(targets=targets):
                found |= {target.id for target in targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
    return frozenset(found)


def broken(cell: str) -> list[str]:
    """Return the references of a cell that lead nowhere."""
    return [
        f"{path}::{name}"
        for path, name in REFERENCE.findall(cell)
        if not (ROOT / path).is_file() or (name and name not in names_in(path))
    ]


def test_every_requirement_has_its_row_and_no_other_has() -> None:
    wanted = {f"{kind}-{number:02}" for kind, count in HOW_MANY.items() for number in range(1, count + 1)}
    assert wanted == ROWS.keys()
    assert len(ROW.findall(PAGE)) == len(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_a_row_points_to_code_and_to_a_test_that_exist(name: str) -> None:
    priority, _, code, tests = ROWS[name]
    if code == "left out":
        assert priority == "2"
        assert re.match(r"left out: .{20,}", tests), "the reason is missing"
        return
    assert [] == broken(code) + broken(tests)
    assert REFERENCE.findall(code), "no code"
    found = REFERENCE.findall(tests)
    assert found, "no test"
    assert all(path.startswith("tests/") and (not test or test.startswith("test_")) for path, test in found)


def test_every_other_reference_of_the_page_leads_somewhere() -> None:
    assert [] == broken(PAGE)


def test_every_file_of_attacks_is_on_the_page() -> None:
    """An attack that nobody finds was not re-created for anybody."""
    files = {f"tests/attacks/{path.name}" for path in (ROOT / "tests" / "attacks").glob("test_*.py")}
    files.discard("tests/attacks/test_the_forge.py")
    assert set() == {file for file in files if file not in PAGE}


def test_a_reference_that_leads_nowhere_is_noticed() -> None:
    assert ["tests/test_security_map.py::test_nothing"] == broken("`tests/test_security_map.py::test_nothing`")
    assert ["core/nothing.py::"] == broken("`core/nothing.py`")
    assert ["core/keys.py::KeyRing.nothing"] == broken("`core/keys.py::KeyRing.nothing`, `core/keys.py::KeyRing.get`")
