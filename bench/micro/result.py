"""What the steps cost, as a file and as a table."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from rich.table import Table

from bench.intervals import interval
from bench.machine import commit_facts, machine_facts
from bench.micro.timing import Owner, Part, Step
from bench.result import Interval

_PARTS: Mapping[Part, str] = {
    "token": "A bearer token",
    "session": "A session cookie",
    "store": "A read from Redis (CPU of this process alone)",
    "answer": "Around every handler",
}


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class StepResult(_Message):
    """CPU µs of one step: the median of its samples and the 95 % bootstrap interval of that median."""

    part: Part
    owner: Owner
    cpu_us: Interval
    samples_us: tuple[float, ...]


class MicroResult(_Message):
    """One run of `python -m bench micro`."""

    kind: Literal["micro"] = "micro"
    schema_: Literal[1] = Field(default=1, alias="schema")
    command: str
    seed: int
    machine: dict[str, str]
    steps: dict[str, StepResult]

    def to_json(self) -> str:
        """Return the text of a result file."""
        return self.model_dump_json(by_alias=True, indent=1)

    def write(self, path: Path) -> None:
        """Write the file whole or not at all."""
        draft = path.with_suffix(".part")
        draft.write_text(self.to_json() + "\n", encoding="utf-8")
        draft.replace(path)


def sum_up(command: str, seed: int, steps: Sequence[Step], samples: Mapping[str, Sequence[float]]) -> MicroResult:
    """Turn samples into a result."""
    return MicroResult(
        command=command,
        seed=seed,
        machine={**machine_facts(), **commit_facts()},
        steps={
            step.name: StepResult(
                part=step.part,
                owner=step.owner,
                cpu_us=Interval.of(interval(samples[step.name], seed)),
                samples_us=tuple(round(sample, 4) for sample in samples[step.name]),
            )
            for step in steps
        },
    )


def tables(result: MicroResult) -> Iterator[Table]:
    """Draw one table for each part of a request; what others take stands under what we take, dimmed."""
    for part, title in _PARTS.items():
        table = Table("step", title=title, title_justify="left", title_style="bold")
        for head in ("CPU µs", "from", "to"):
            table.add_column(head, justify="right")
        for name, step in result.steps.items():
            if step.part == part:
                cells = (f"{value:.2f}" for value in (step.cpu_us.median, step.cpu_us.low, step.cpu_us.high))
                table.add_row(name, *cells, style="dim" if step.owner == "theirs" else None)
        yield table
