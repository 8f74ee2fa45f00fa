"""Where the CPU time of a server goes while it is saturated: a sampling profiler looks at its process from outside."""

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

RATE_HZ = 500
_FRAME = re.compile(r"^(?P<function>.+?) \((?P<file>[^():]+)(?::\d+)?\)$")
PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("the event loop and its sockets", ("asyncio/", "uvloop/", "selectors.py")),
    ("aiohttp: parsing, routing, its protocol", ("aiohttp/", "multidict/", "yarl/", "_weakrefset.py")),
    (
        "our connection: the request loop, deadlines, shedding",
        ("core/connection.py", "core/request_loop.py", "core/lifecycle.py"),
    ),
    ("sending the answers of a turn", ("core/turn.py",)),
    ("our frame: request id, counting, authorizing", ("core/frame.py", "core/metrics.py", "core/authorization.py")),
    ("the handler, and making the answer", ("core/guarded.py", "core/answers.py", "json/encoder.py")),
    (
        "verifying or looking up",
        ("core/", "resource_server/", "session_server/", "jwt/", "json/", "base64.py", "hmac.py"),
    ),
)
"""Each part, and what the paths of its files contain; the first that fits counts."""
OTHER = "everything else"


class ProfilerFailed(Exception):
    """The profiler is missing or may not look at another process; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How often each function was found to be what ran, innermost first; C code counts for who called it."""

    samples: Mapping[tuple[str, str], int]
    """Counts by file and function."""

    def shares(self) -> dict[str, float]:
        """Return the share of each part, in the order of `PARTS`."""
        total = sum(self.samples.values())
        counts = Counter[str]()
        for (file, _), count in self.samples.items():
            counts[part_of(file)] += count
        return {part: counts[part] / total for part in (*(name for name, _ in PARTS), OTHER)}

    def hottest(self, most: int) -> list[tuple[str, str, float]]:
        """Return the functions that were found most often: file, function, share."""
        total = sum(self.samples.values())
        ranked = sorted(self.samples.items(), key=lambda item: -item[1])
        return [(file, function, count / total) for (file, function), count in ranked[:most]]


def part_of(file: str) -> str:
    """Return the part of a request's work that a source file belongs to."""
    return next((part for part, places in PARTS if any(place in file for place in places)), OTHER)


def parse_stacks(text: str) -> Profile:
    """Read collapsed stacks (`outer;inner COUNT` a line), as py-spy writes them with `--format raw`."""
    samples = Counter[tuple[str, str]]()
    for line in text.splitlines():
        stack, _, count = line.rpartition(" ")
        found = _FRAME.match(stack.rpartition(";")[2])
        if found is not None:
            samples[found["file"], found["function"]] += int(count)
    if not samples:
        raise ProfilerFailed("the profiler saw nothing: was the server idle?")
    return Profile(samples)


class Recording:
    """A profiler that looks at one process for a while. Start it, load the process, then read the profile."""

    def __init__(self, pid: int, seconds: int, stacks: Path) -> None:
        self._stacks = stacks
        program = shutil.which("py-spy") or shutil.which("py-spy", path=str(Path(sys.executable).parent))
        if program is None:
            raise ProfilerFailed("py-spy is missing: pip install py-spy")
        command = [program, "record", "--pid", str(pid), "--duration", str(seconds), "--rate", str(RATE_HZ)]
        command += ["--format", "raw", "--output", str(stacks), "--nonblocking"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def profile(self) -> Profile:
        """Wait for the end and return what was seen; raise ProfilerFailed with what the profiler said."""
        said, _ = self._process.communicate(timeout=60)
        if self._process.returncode != 0:
            raise ProfilerFailed(f"py-spy: {said.strip().splitlines()[-1] if said.strip() else 'failed'}")
        return parse_stacks(self._stacks.read_text(encoding="utf-8"))


def write_shares(profiles: Mapping[str, Profile]) -> list[str]:
    """Write a Markdown table: one row a part, one column an arm."""
    shares = {name: profile.shares() for name, profile in profiles.items()}
    parts = next(iter(shares.values()))
    rows = [[part, *(f"{arm[part]:.0%}" for arm in shares.values())] for part in parts]
    return _table(["share of the server's CPU time", *(f"`{name}`" for name in shares)], rows)


def write_hottest(profile: Profile, most: int = 8) -> list[str]:
    """Write the hottest functions as a Markdown table."""
    rows = [[f"`{file}`", f"`{function}`", f"{share:.0%}"] for file, function, share in profile.hottest(most)]
    return _table(["file", "function", "share"], rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return [f"| {' | '.join(line)} |" for line in lines]
