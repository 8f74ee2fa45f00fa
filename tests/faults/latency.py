"""How long answers took, read from the records of the load."""

from collections.abc import Iterable

from tests.faults.load.plan import Record


def quantile_ms(records: Iterable[Record], share: float, *, outcome: str = "200") -> float:
    """Return what this share of the answers of one kind took at most, in ms, from when each was meant to leave."""
    took_s = sorted(record.done_s - record.asked_s for record in records if record.outcome == outcome)
    assert took_s, f"there was no {outcome} at all"
    return round(took_s[min(len(took_s) - 1, int(share * len(took_s)))] * 1000, 1)
