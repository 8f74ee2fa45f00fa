"""A profile is read as the profiler wrote it, and each sample counts for one part."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.profiling import OTHER, PARTS, Profile, ProfilerFailed, Recording, parse_stacks, part_of, write_shares

STACKS = """\
<module> (auth_server/__main__.py:5);run (asyncio/runners.py:118) 6
run (asyncio/runners.py:118);framed (core/frame.py:140);_verify (core/access_token.py:120) 3
run (asyncio/runners.py:118);framed (core/frame.py:140);encode (json/encoder.py:200) 1
"""


def test_the_innermost_function_is_what_ran() -> None:
    profile = parse_stacks(STACKS)
    assert [("asyncio/runners.py", "run", 0.6), ("core/access_token.py", "_verify", 0.3)] == profile.hottest(2)


def test_the_shares_of_all_parts_are_the_whole() -> None:
    shares = parse_stacks(STACKS).shares()
    assert [*(name for name, _ in PARTS), OTHER] == [*shares]
    assert 1 == pytest.approx(sum(shares.values()))
    assert 0.3 == shares["verifying or looking up"]
    assert 0.1 == shares["the handler, and making the answer"]


@pytest.mark.parametrize("file", ["core/reads.py", "session_server/cookie.py", "json/decoder.py"])
def test_what_recognises_a_caller_is_one_part(file: str) -> None:
    assert "verifying or looking up" == part_of(file)


def test_what_nobody_thought_of_is_not_hidden() -> None:
    assert OTHER == part_of("somewhere/else.py")


def test_nothing_seen_is_no_profile() -> None:
    with pytest.raises(ProfilerFailed, match="saw nothing"):
        parse_stacks("")


def test_a_table_has_a_column_for_each_arm() -> None:
    profile = Profile({("core/reads.py", "get"): 1})
    head, _, *rows = write_shares({"a": profile, "b": profile})
    assert "| share of the server's CPU time | `a` | `b` |" == head
    assert "| verifying or looking up | 100% | 100% |" in rows


def test_without_the_profiler_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(ProfilerFailed, match="pip install py-spy"):
        Recording(os.getpid(), 1, tmp_path / "stacks")


def test_what_the_profiler_complains_about_is_told(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as gone:
        gone.wait()
    with pytest.raises(ProfilerFailed, match="py-spy: "):
        Recording(gone.pid, 1, tmp_path / "stacks").profile()
