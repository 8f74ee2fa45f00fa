"""What a generator sends: one ready-made request per caller, and the order in which callers come."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, cycle, islice
from pathlib import Path
from random import Random

_ORDER_LENGTH = 1 << 16


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """One caller's request as bytes, and the subject that its answer must name (None: the control names nobody)."""

    raw: bytes
    subject: str | None


@dataclass(frozen=True, slots=True)
class Corpus:
    """The requests of every caller of one arm."""

    requests: tuple[PreparedRequest, ...]

    def write(self, path: Path) -> None:
        """Write the corpus for a generator process to read; it holds credentials, so only its owner may read it."""
        path.touch(mode=0o600)
        path.write_text(json.dumps([[request.raw.decode("latin-1"), request.subject] for request in self.requests]))

    @classmethod
    def read(cls, path: Path) -> "Corpus":
        """Read what `write` wrote."""
        return cls(
            tuple(PreparedRequest(raw.encode("latin-1"), subject) for raw, subject in json.loads(path.read_text()))
        )

    def once(self) -> Iterator[PreparedRequest]:
        """Yield one request of every caller."""
        return iter(self.requests)

    def endless(self, seed: int) -> Iterator[PreparedRequest]:
        """Yield requests for ever, some callers far more often than others, the same for the same seed."""
        requests = self.requests
        order = zipf_order(len(requests), seed)
        start = Random(seed).randrange(len(order))
        return map(requests.__getitem__, islice(cycle(order), start, None))


def zipf_order(callers: int, seed: int) -> list[int]:
    """Draw callers with the n-th most active one n times rarer than the first (Zipf, exponent 1)."""
    source = Random(seed)
    ranks = list(range(callers))
    source.shuffle(ranks)
    return source.choices(ranks, cum_weights=list(accumulate(1 / (n + 1) for n in range(callers))), k=_ORDER_LENGTH)


def prepare_request(authority: str, path: str, headers: dict[str, str], subject: str | None) -> PreparedRequest:
    """Write a GET request as bytes: the request line, Host and the given headers, nothing else."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {authority}", *(f"{name}: {value}" for name, value in headers.items())]
    return PreparedRequest("\r\n".join([*lines, "", ""]).encode("latin-1"), subject)
