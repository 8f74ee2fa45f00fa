"""The table of a run, as Markdown."""

from bench.result import ArmResult, Interval, Lag, Latency, Result

_HEADS = (
    "arm", "server CPU µs", "above control", "store CPU µs", "store commands", "bytes up", "p50 ms", "p99 ms",
    "answers/s", "lag p50 / max", "errors",
)  # fmt: skip


def write_summary(result: Result) -> str:
    """Write a run's table, what it stands on and what is to be doubted."""
    machine = result.machine
    noise = result.noise
    marks = "".join([" · **quick, not for publication**" * result.quick, " · **partial**" * result.partial])
    changes = " with changes" if machine["dirty"] == "yes" else ""
    software = ", ".join([machine["python"], machine["loop"], f"aiohttp {machine['aiohttp']}"])
    store = f"Redis {machine.get('redis_version', 'unknown')}"
    hardware = f"{machine['cpu']}, {machine['cores']} cores, {machine['system']} {machine['kernel']}"
    settings = result.settings
    method = (
        f"CPU, margins and answers per second: closed loop, {settings['connections']:.0f} connections. Latency: open "
        f"loop, {settings['rate_rps']:.0f} requests/s, from the intended start. Store commands: one request in flight. "
        f"In brackets: 95 % bootstrap intervals over {settings['rounds']:.0f} rounds."
    )
    floor = f"The control against itself: {noise.aa_ratio:.3f} [{noise.low:.3f}, {noise.high:.3f}]"
    if noise.floor_cpu_us is not None:
        floor += f"; margins below {noise.floor_cpu_us:.1f} µs are no difference"
    lines = [
        "# What a request costs, and how stale its answer may be",
        "",
        f"`{result.command}` · seed {result.seed} · {result.started_at} · {result.duration_s:.0f} s{marks}",
        "",
        f"{hardware}; {software}; {store}; commit {machine['commit'][:12]}{changes}.",
        "",
        *write_table(result),
        "",
        method,
        "",
        f"{floor}.",
    ]
    if result.doubts:
        lines += ["", "## What is to be doubted", "", *(f"- {doubt}" for doubt in result.doubts)]
    return "\n".join(lines) + "\n"


def write_table(result: Result) -> list[str]:
    """Write one row for every arm, as Markdown."""
    rows = [_HEADS, tuple("---" for _ in _HEADS), *(_row(name, arm) for name, arm in result.arms.items())]
    return [f"| {' | '.join(row)} |" for row in rows]


def _row(name: str, arm: ArmResult) -> tuple[str, ...]:
    return (
        name + (" ~" if arm.noisy else ""),
        show(arm.server_cpu_us),
        "-" if name == "control" else show_margin(arm),
        f"{arm.store_cpu_us.median:.1f}",
        f"{arm.store_commands_per_request:.2f}",
        f"{arm.bytes_up:.0f}",
        show_percentile(arm.latency_ms, "p50"),
        show_percentile(arm.latency_ms, "p99"),
        f"{arm.answered_rps.median:.0f}",
        show_lag(arm.revocation_lag_ms),
        str(arm.errors),
    )


def show(interval: Interval | None) -> str:
    """Write a median and its interval, where they are known."""
    if interval is None:
        return "unknown"
    return f"{interval.median:.1f} [{interval.low:.1f}, {interval.high:.1f}]"


def show_margin(arm: ArmResult) -> str:
    """Write a margin, or that there is none to speak of."""
    return f"no difference ({arm.margin.median:+.1f})" if arm.no_difference else show(arm.margin_cpu_us)


def show_percentile(latency: Latency | None, name: str) -> str:
    """Write a percentile in ms, or why there is none."""
    if latency is None:
        return "-"
    return "saturated" if latency.saturated else f"{getattr(latency, name):.2f}"


def show_lag(lag: Lag | None) -> str:
    """Write how long a logout took to count everywhere."""
    return "-" if lag is None else f"{show_ms(lag.p50, lag.resolution_ms)} / {show_ms(lag.max, lag.resolution_ms)}"


def show_ms(value: float, resolution_ms: float) -> str:
    """Write a duration in the unit that suits it."""
    if value <= resolution_ms:
        return f"< {resolution_ms:.2g} ms"
    return f"{value / 1000:.1f} s" if value >= 1000 else f"{value:.1f} ms"  # noqa: PLR2004 - a second
