"""The tables of the report that belong to no figure."""

from bench.figures.figure import Table
from bench.result import ArmResult, Result
from bench.summary import show, show_lag, show_margin, show_percentile


def main_table(result: Result) -> Table:
    """Return one row for every arm."""
    head = (
        "arm", "server CPU µs", "above control", "store CPU µs", "store commands", "under load", "calls", "bytes up",
        "bytes down", "p50 ms", "p99 ms", "p99.9 ms", "answers/s", "hit ratio", "lag p50 / max", "errors", "marks",
    )  # fmt: skip
    return Table(head, [_row(name, arm) for name, arm in result.arms.items()])


def _row(name: str, arm: ArmResult) -> tuple[str, ...]:
    latency = arm.latency_ms
    marks = [
        word
        for word, on in (
            ("no difference", arm.no_difference),
            ("noisy", arm.noisy),
            ("saturated", latency is not None and latency.saturated),
        )
        if on
    ]
    return (
        name,
        show(arm.server_cpu_us),
        "" if name == "control" else show_margin(arm),
        f"{arm.store_cpu_us.median:.1f}",
        f"{arm.store_commands_per_request:.2f}",
        f"{arm.store_commands_under_load:.2f}",
        f"{arm.server_calls_per_request:.2f}",
        f"{arm.bytes_up:.0f}",
        f"{arm.bytes_down:.0f}",
        *(show_percentile(latency, percentile) for percentile in ("p50", "p99", "p999")),
        f"{arm.answered_rps.median:.0f}",
        "" if arm.hit_ratio is None else f"{arm.hit_ratio:.1%}",
        show_lag(arm.revocation_lag_ms),
        str(arm.errors),
        ", ".join(marks),
    )


def memory_table(result: Result) -> Table | None:
    """Return what one more caller occupies, or None when that was not measured."""
    rows = [
        (name, f"{arm.memory.server_bytes_per_caller:.0f}", f"{arm.memory.store_bytes_per_caller:.0f}")
        for name, arm in result.arms.items()
        if arm.memory is not None and name == arm.strategy
    ]
    return Table(("strategy", "bytes in the server", "bytes in the stores"), rows) if rows else None


def bill_table(result: Result) -> Table | None:
    """Return what is paid beside requests, or None when that was not measured."""
    bill = result.bill
    if bill is None:
        return None
    rows = [
        ("login at the auth server, server CPU", f"{bill.token_login_cpu_us / 1000:.1f} ms"),
        ("login at a session server, server CPU", f"{bill.session_login_cpu_us / 1000:.1f} ms"),
        ("login at the auth server, from outside", f"{bill.login_wall_ms:.1f} ms"),
        ("memory of one password check", f"{bill.hash_memory_kib / 1024:.0f} MiB"),
        ("refresh of an access token, server CPU", f"{bill.refresh_cpu_us:.0f} µs"),
        (
            "refresh of an access token, store commands (those inside scripts, too)",
            f"{bill.refresh_store_commands:.1f}",
        ),
        ("refresh of an access token, store CPU", f"{bill.refresh_store_cpu_us:.0f} µs"),
    ]
    return Table(("what", "price"), rows)
