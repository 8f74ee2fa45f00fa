"""The table of the peers, as Markdown."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from bench.arms import Credential
from bench.peers.catalog import PEERS
from bench.peers.comparison import Duel, duels, margin_over
from bench.result import Result
from bench.summary import show


class Row(NamedTuple):
    """One line of the table."""

    name: str
    made_of: str
    credential: Credential
    control: str | None
    is_ours: bool = False


_SECTIONS: dict[Credential, str] = {"none": "Nobody is recognised", "HS256": "By a token", "session": "By a session"}
_HEADS = ("", "made of", "server CPU µs", "above its control", "control", "answers/s", "store commands")
_ROWS = (
    Row("bare", "aiohttp", "none", None),
    Row("control", "ours: aiohttp and our frame", "none", "bare", is_ours=True),
    Row("plain-jwt", "ours, token seen before", "HS256", "control", is_ours=True),
    Row("plain-jwt-uncached", "ours, without a cache", "HS256", "control", is_ours=True),
    Row("pushed-jwt", "ours, token seen before, revocations pushed", "HS256", "control", is_ours=True),
    Row("denylisted-jwt", "ours, token seen before, revocations looked up", "HS256", "control", is_ours=True),
    Row("redis-session", "ours, looked up each time", "session", "control", is_ours=True),
    Row("tracked-session", "ours, session seen before", "session", "control", is_ours=True),
    *(Row(peer.name, peer.made_of, peer.credential, peer.control) for peer in PEERS),
)


def write_peers_summary(result: Result) -> str:
    """Write the table: grouped by how callers are recognised, most answers per second first."""
    marks = "".join([" · **quick, not for publication**" * result.quick, " · **partial**" * result.partial])
    lines = [
        "# Beside what people use today",
        "",
        f"`{result.command}` · seed {result.seed} · {result.started_at} · {result.duration_s:.0f} s{marks}",
        "",
        _machine(result.machine),
        *(line for credential, title in _SECTIONS.items() for line in _section(result, credential, title)),
        "",
        *map(_verdict, duels(result)),
        "",
        _method(result),
    ]
    if result.doubts:
        lines += ["", "## What is to be doubted", "", *(f"- {doubt}" for doubt in result.doubts)]
    return "\n".join(lines) + "\n"


def _machine(facts: Mapping[str, str]) -> str:
    changes = " with changes" if facts["dirty"] == "yes" else ""
    versions = [f"{name.removeprefix('peers_')} {fact}" for name, fact in facts.items() if name.startswith("peers_")]
    return (
        f"{facts['cpu']}, {facts['cores']} cores; {facts['python']}, {facts['loop']}; "
        f"Redis {facts.get('redis_version', 'unknown')}; commit {facts['commit'][:12]}{changes}. "
        f"Peers: {', '.join(versions)}."
    )


def _method(result: Result) -> str:
    settings, noise = result.settings, result.noise
    return (
        f"Each server on one core; generator and Redis on the others. Closed loop, {settings['connections']:.0f} "
        f"connections, {settings['callers']:.0f} callers, the same tokens and the same Redis for all, interleaved. "
        f"Each margin is over the same application without authentication, in the same round; in brackets: 95 % "
        f"bootstrap intervals over {settings['rounds']:.0f} rounds. The control against itself: {noise.aa_ratio:.3f} "
        f"[{noise.low:.3f}, {noise.high:.3f}]."
    )


def _section(result: Result, credential: Credential, title: str) -> Iterator[str]:
    yield from ("", f"## {title}", "", _line(_HEADS), _line(("---",) * len(_HEADS)))
    rows = [row for row in _ROWS if row.credential == credential]
    measured = [row for row in rows if row.name in result.arms]
    for row in sorted(measured, key=lambda row: -result.arms[row.name].answered_rps.median):
        yield _line(_cells(result, row))
    for row in rows:
        if row.name not in result.arms:
            yield _line((row.name, row.made_of, "not measured", "-", row.control or "-", "-", "-"))


def _cells(result: Result, row: Row) -> tuple[str, ...]:
    arm = result.arms[row.name]
    rate = arm.answered_rps
    return (
        f"**{row.name}**" if row.is_ours else row.name,
        row.made_of + (" ~" if arm.noisy else ""),
        show(arm.server_cpu_us),
        show(margin_over(result, row.name, row.control)) if row.control in result.arms else "-",
        row.control or "-",
        f"{rate.median:.0f} [{rate.low:.0f}, {rate.high:.0f}]",
        f"{arm.store_commands_per_request:.2f}",
    )


def _verdict(duel: Duel) -> str:
    ratio = duel.ratio
    return (
        f"- `{duel.ours}` answers {ratio.median:.2f} [{ratio.low:.2f}, {ratio.high:.2f}] times as many requests per "
        f"second as the best peer of its kind, `{duel.best_peer}`."
    )


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
