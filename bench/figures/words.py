"""How numbers are written in sentences and tables."""

from collections.abc import Iterable, Sequence

_SECOND_MS = 1000


def micros(value: float) -> str:
    """Write CPU time per request."""
    return f"{value:.1f} µs"


def duration(value_ms: float, resolution_ms: float = 0.0) -> str:
    """Write a duration in the unit that suits it, or that it is below what could be told."""
    if value_ms <= resolution_ms:
        return f"below {resolution_ms:.2g} ms"
    return f"{value_ms / _SECOND_MS:.1f} s" if value_ms >= _SECOND_MS else f"{value_ms:.2g} ms"


def listed(names: Iterable[str]) -> str:
    """Write names as one would say them."""
    found = [*names]
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}" if found else "none"


def crossings(xs: Sequence[float], first: Sequence[float], second: Sequence[float]) -> list[float]:
    """Return where two lines through measured points cross, between the points taken as straight."""
    found = []
    differences = [a - b for a, b in zip(first, second, strict=True)]
    pairs = zip(xs, xs[1:], differences, differences[1:], strict=False)
    for x, next_x, here, there in pairs:
        if here * there < 0:
            found.append(x + (next_x - x) * here / (here - there))
    return found
