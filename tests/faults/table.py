"""The published table: one row for each fault, as JSON and as a page made from it."""

import json
import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.faults.measured import Measured, numbers

FAULTS = tuple(f"F-{number:02}" for number in range(1, 32))


@dataclass(slots=True)
class Row:
    """One fault: what it is, how it was injected, what is promised, and every run of it."""

    fault_id: str
    fault: str
    injected: str
    promise: str
    runs: list[Measured] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Findings in words, with their numbers."""

    def summary(self) -> str:
        """Return the row in one line for a terminal."""
        told = ", ".join(f"{name} {value}" for name, value in numbers(self.runs).items())
        return f"{self.fault_id} {self.fault}: {told}"

    def as_data(self) -> dict[str, Any]:
        """Return the row as it is published."""
        return {
            "id": self.fault_id,
            "fault": self.fault,
            "injected": self.injected,
            "promise": self.promise,
            **numbers(self.runs),
            "notes": self.notes,
            "runs": [run.as_data() for run in self.runs],
        }


class Incomplete(Exception):
    """A table without all of its rows is not published; the message names those that are missing."""


def table_of(rows: Iterable[Row]) -> dict[str, Any]:
    """Return the whole table; raise `Incomplete` when a fault was not measured."""
    rows = list(rows)
    by_id = {row.fault_id: row for row in rows}
    if len(by_id) != len(rows):
        raise Incomplete("a fault has two rows")
    missing = [fault for fault in FAULTS if fault not in by_id]
    if missing:
        raise Incomplete(f"not measured: {', '.join(missing)}")
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cpus": os.cpu_count(),
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        },
        "faults": [by_id[fault].as_data() for fault in FAULTS],
    }


def publish(rows: Iterable[Row], directory: Path) -> None:
    """Write `faults.json` and `faults.md`, both or neither."""
    table = table_of(rows)
    pages = {"faults.json": json.dumps(table, indent=1, ensure_ascii=False) + "\n", "faults.md": page(table)}
    for name, text in pages.items():
        (directory / f".{name}.new").write_text(text, encoding="utf-8")
    for name in pages:
        (directory / f".{name}.new").replace(directory / name)


def page(table: Mapping[str, Any]) -> str:
    """Return the table as Markdown."""
    machine = table["machine"]
    head = _HEAD.format(
        measured_at=table["measured_at"], requests=sum(row["requests"] for row in table["faults"]), **machine
    )
    rows = "\n".join(_line(row) for row in table["faults"])
    details = "\n".join(_details(row) for row in table["faults"])
    return f"{head}\n{_COLUMNS}\n{rows}\n\n## What was done, and what was found\n\n{details}"


_HEAD = """# Faults: what happens when something breaks

`make faults` wrote this page from `faults.json`; nothing in it was typed by hand. Measured {measured_at} on a machine
with {cpus} CPUs, {system}, Python {python}: {requests} requests, each one judged.

A load at a fixed rate runs before, during and after each fault, from a process of its own, over raw sockets, with no
retry that could hide a loss. An oracle knows for every credential what each answer must be. **Wrong accepts**: a 200
for what had been ended longer ago than the strategy promises, or about somebody else. **Wrong rejects**: a 401 for a
good credential. **Error window**: from the first request that was told to come back, or not answered, to the end of
the last. **Recovery**: how long after the fault was healed the last such request left. **Worst latency** counts from
the moment a request was meant to leave, refusals and lost connections included. Where a fault was run in several ways,
each number is the worst of them; descriptors and memory are sums over the servers, in the run in which they grew most.
"""
_COLUMNS = (
    "| id | fault | requests | error window | worst latency | wrong accepts | wrong rejects | recovery | descriptors | "
    "memory |\n|---|---|---:|---:|---:|---:|---:|---:|---:|---:|"
)


def _line(row: Mapping[str, Any]) -> str:
    window, latency, recovery = _times(row)
    cells = [
        row["id"],
        row["fault"],
        row["requests"],
        window,
        latency,
        row["wrong_accepts"],
        row["wrong_rejects"],
        recovery,
        f"{row['descriptors_before']} → {row['descriptors_after']}",
        f"{row['memory_before_mib']:.0f} → {row['memory_after_mib']:.0f} MiB",
    ]
    return f"| {' | '.join(map(str, cells))} |"


def _details(row: Mapping[str, Any]) -> str:
    lines = [
        f"### {row['id']} {row['fault']}",
        "",
        f"**Injected:** {row['injected']}",
        "",
        f"**Promise:** {row['promise']}",
    ]
    if row["notes"]:
        lines += ["", *(f"- {note}" for note in row["notes"])]
    if len(row["runs"]) > 1:
        lines += ["", "| run | error window | worst latency | recovery |", "|---|---:|---:|---:|"]
        lines += [f"| {run['run']} | {' | '.join(_times(run))} |" for run in row["runs"]]
    return "\n".join([*lines, ""])


def _times(numbers: Mapping[str, Any]) -> tuple[str, str, str]:
    """Write error window, worst latency and recovery."""
    return (
        f"{numbers['error_window_s']:.2f} s", f"{numbers['worst_latency_ms']:.0f} ms", f"{numbers['recovery_s']:.2f} s"
    )  # fmt: skip
