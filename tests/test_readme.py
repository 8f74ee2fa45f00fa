"""The README is run: its commands one after the other in a fresh copy, and what they print is what it shows."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.topology import Choices, Secrets, Stores, servers
from tests.lab.running_lab import Lab

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_ADDRESS = re.compile(r"(?<=127\.0\.0\.1:)\d+")
_NOT_COPIED = (".git", ".venv", ".authlab", ".installed", "node_modules", "__pycache__", ".*_cache", ".hypothesis")
_LONGEST_S = 110


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    kind: str
    text: str


def blocks(page: Path) -> list[Block]:
    """Return every fenced block of a page, in order."""
    return [Block(*found) for found in _FENCE.findall(page.read_text(encoding="utf-8"))]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Copy the repository, and give the copy a .venv in which everything is installed already.

    So `make demo` does all it does but download. What it starts is stopped at the end, however the test went.
    """
    directory = tmp_path_factory.mktemp("readme") / "authlab"
    shutil.copytree(ROOT, directory, ignore=shutil.ignore_patterns(*_NOT_COPIED))
    programs = directory / ".venv" / "bin"
    programs.mkdir(parents=True)
    command = programs / "authlab"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m lab.cli "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    (programs / "python").symlink_to(sys.executable)
    for mark in (".python", ".runtime", ".dev"):
        (directory / ".venv" / mark).touch()
    lab = Lab(directory / ".authlab")
    yield lab
    lab.run("down")
    for process in lab.processes():
        process.kill()


def run(lab: Lab, command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command in the copy."""
    directory = lab.directory.parent
    environment = lab.environment(PYTHONPATH=str(directory))
    return subprocess.run(
        command,
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_LONGEST_S,
        check=False,
    )


def is_shown(expected: str, output: str, *, port_offset: int) -> None:
    """Fail unless every line that a page shows was printed, in that order; `…` stands for anything."""
    shifted = _ADDRESS.sub(lambda port: str(int(port[0]) + port_offset), expected)
    printed = iter([" ".join(line.split()) for line in output.splitlines()])
    for line in filter(None, (" ".join(line.split()) for line in shifted.splitlines())):
        if line == "…":
            continue
        pattern = re.compile(".*".join(map(re.escape, line.split("…"))))
        assert any(pattern.fullmatch(candidate) for candidate in printed), f"{line!r} was not printed in:\n{output}"


@pytest.mark.timeout(300)
def test_the_readme_does_what_it_says(copy: Lab) -> None:
    """Every `sh` block is run, and the `text` block after it is what it printed."""
    found = blocks(README)
    ran = 0
    for block, after in zip(found, [*found[1:], Block("", "")], strict=True):
        if block.kind != "sh":
            continue
        result = run(copy, ["bash", "-euo", "pipefail", "-c", block.text])
        assert 0 == result.returncode, f"{block.text}\n{result.stdout}"
        ran += 1
        if after.kind == "text":
            is_shown(after.text, result.stdout, port_offset=copy.offset)
    assert ran >= 4
    assert [] == copy.processes(), "what the README starts, it also stops"


def test_what_is_not_shown_would_be_found() -> None:
    """The measure itself can fail."""
    is_shown("a … c\n…\nat 127.0.0.1:8471", "x\na  b c\nd\nat  127.0.0.1:8571\n", port_offset=100)
    for expected in ("a … d", "d\na b c", "at 127.0.0.1:8571"):
        with pytest.raises(AssertionError):
            is_shown(expected, "a b c\nd\nat 127.0.0.1:8571\n", port_offset=100)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_is_too_dear_to_run_here_is_at_least_there(page: Path) -> None:
    """`console` blocks: targets of make, services and profiles of compose, ports of servers."""
    compose = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    ports = {plan.port for plan in servers(Choices(everything=True), Stores("", ""), Secrets(Path()))}
    for line in (line for block in blocks(page) if block.kind == "console" for line in block.text.splitlines()):
        assert line.startswith("$ "), line
        words = shlex.split(line.removeprefix("$ "))
        for target in words[1:] if words[0] == "make" else []:
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), line
        if words[:2] == ["docker", "compose"]:
            for profile in (words[at + 1] for at, word in enumerate(words) if word == "--profile"):
                assert profile == "*" or re.search(rf"profiles: \[.*\b{profile}\b.*\]", compose), line
            if "run" in words:
                assert re.search(rf"^  {words[-1]}:", compose, re.MULTILINE), line
        assert {int(port) for port in _ADDRESS.findall(line)} <= ports, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_other_block_is_of_a_kind_that_somebody_checks(page: Path) -> None:
    """`sh` outside the README would be run by nobody: it belongs there, or is `console`."""
    run_here = {"sh", "console", "text", "python"} if page == README else {"console", "text", "python"}
    assert set() == {block.kind for block in blocks(page)} - run_here


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_python_block_runs(page: Path, tmp_path: Path) -> None:
    for block in (block for block in blocks(page) if block.kind == "python"):
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-W", "error", "-c", block.text]
        result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert 0 == result.returncode, f"{block.text}\n{result.stderr}"
