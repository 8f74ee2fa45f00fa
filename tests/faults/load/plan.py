"""What the load process is told, and what it tells: lines of requests in, one record for each request out."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Literal

Kind = Literal["shots", "refresh", "impatient", "insistent"]


@dataclass(frozen=True, slots=True)
class Shot:
    """One request as bytes (latin-1), whose credential it carries, and the subject that a 200 must name.

    On a `refresh` line `raw` is a refresh token instead, and the request is made from it.
    """

    raw: str
    caller: str
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """Requests that leave at a fixed rate, in turn to each port, whatever comes back.

    `shots`: one after the other, for ever or (`once`) until there are no more.
    `refresh`: each shot is a family, whose next request carries the token that the last answer brought.
    `impatient`: as many clients as shots, each sending again at once whatever it got; `rate` does not count.
    `insistent`: as many clients as shots, in turn; one whose turn has come sends again at once until it is served.
    """

    name: str
    ports: tuple[int, ...]
    rate: float
    shots: tuple[Shot, ...]
    kind: Kind = "shots"
    once: bool = False
    timeout_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Record:
    """What became of one request. Times are seconds of the machine's monotonic clock.

    `asked_s` is when it was meant to leave; `outcome` a status, or `refused`, `reset`, `closed`, `timeout`; `right`
    tells whether the body of a success was the caller's own.
    """

    line: str
    caller: str
    asked_s: float
    sent_s: float
    done_s: float
    outcome: str
    right: bool
    retry_after_s: float | None


def write_plan(lines: Iterable[Line]) -> str:
    """Return a plan as one line of JSON."""
    return json.dumps([asdict(line) for line in lines])


def read_plan(text: str) -> list[Line]:
    """Read what `write_plan` wrote."""
    return [
        Line(
            **{
                **fields,
                "ports": tuple(fields["ports"]),
                "shots": tuple(Shot(**shot) for shot in fields["shots"]),
            }
        )
        for fields in json.loads(text)
    ]


def write_records(records: Iterable[Record]) -> Iterator[str]:
    """Yield each record as one line of JSON."""
    for record in records:
        yield json.dumps([getattr(record, name) for name in Record.__slots__])


def read_record(text: str) -> Record:
    """Read one line that `write_records` yielded."""
    return Record(*json.loads(text))
