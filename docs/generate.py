# ruff: noqa: INP001 - a script beside the pages that it writes
"""Write docs/strategies.md, peers.md and settings.md from the code and published measurements: they cannot drift.

    make docs            (python docs/generate.py)

tests/test_docs.py fails while a page is not what this would write.
"""

import inspect
import sys
from datetime import timedelta
from pathlib import Path

from bench.peers.summary import write_peers_summary
from bench.quotes import RESULTS, newest_result, published_beside
from bench.result import ArmResult, Result
from bench.result_file import read_result
from bench.summary import show, show_lag, show_margin, show_percentile
from core.contract import Promise
from docs.settings_page import settings_page
from resource_server.strategies import STRATEGIES as TOKEN_STRATEGIES
from session_server.strategies import STRATEGIES as SESSION_STRATEGIES

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "strategies.md"
PEERS_PAGE = ROOT / "docs" / "peers.md"
SETTINGS_PAGE = ROOT / "docs" / "settings.md"

_OPENING = """\
<!-- Written by `make docs` from the promises in the strategies' files. Change those, not this. -->

# The strategies

The ways to recognise a caller, from "look up every time" to "never look up". Each is one file that opens with its
plain-English definition and its cost, and each claims something about itself, as data (`Promise` in
[core/contract.py](../core/contract.py)). The contract tests ([tests/contract/](../tests/contract)) measure every claim:
they count what is asked while requests are sent one by one, log out and wait, take the store away and look.
"""

_READING = """\
- **lookups a request**: commands to a store, or calls to another server, made to answer one request. In the long run,
  with one request in flight and one credential used many times.
- **revoked within**: from the answer to a logout until no server accepts the credential.
- **without its store**: what callers with a good credential get while the store (or the server that is asked) does not
  answer. Never a 401: nobody can tell that the credential is bad.

`memory-session` has no store but its own process: what it promises, it promises of that one server.

Whether somebody who steals what a verifier holds can make credentials depends on the key, not on the strategy: with
HS256 yes, for that one audience; with Ed25519, ES256 or RS256 no. A session server holds nothing that makes a session.
"""

_NOT_MEASURED = """\
No full run of the benchmark is published yet. `make bench` measures here and now; [benchmark.md](benchmark.md) says
how.
"""

_MEASURED = """\
From [{source}](../bench/results/{source}), made by `{command}`. CPU is in µs a request, above the same request without
authentication; in brackets 95 % intervals. [benchmark.md](benchmark.md) says how it was measured, and what it does not
say.
"""

_PEERS_OPENING = """\
<!-- Written by `make docs` from the newest result in bench/results/peers/. -->

"""

_NO_PEERS = """\
# Beside what people use today

Nothing is published yet. `python -m bench peers --install` measures here and now.
"""


def strategies_page(result: Result | None, source: str = "") -> str:
    """Return the page; `result` is the newest published measurement and `source` the name of its file."""
    heads = ("strategy", "side", "lookups a request", "revoked within", "without its store", "what it teaches")
    rows = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    sections: list[str] = []
    for side, strategies in (("token", TOKEN_STRATEGIES), ("session", SESSION_STRATEGIES)):
        for name, strategy in strategies.items():
            rows.append(_row(name, side, strategy.promise))
            sections.append(_section(name, strategy))
    return "\n".join([_OPENING, *rows, "", _READING, *_measured(result, source), *sections])


def _row(name: str, side: str, promise: Promise) -> str:
    cells = (
        f"[`{name}`](#{name})", side, f"{promise.lookups_per_request:g}", _lag(promise.revoked_within),
        promise.without_its_store, promise.teaches,
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _lag(bound: timedelta | None) -> str:
    if bound is None:
        return "not before it expires"
    return f"{bound.total_seconds():g} s" if bound else "the next request"


def _section(name: str, strategy: type) -> str:
    path = Path(inspect.getfile(strategy)).resolve().relative_to(ROOT)
    definition = sys.modules[strategy.__module__].__doc__
    return f"## {name}\n\n{inspect.cleandoc(definition or '')}\n\nFile: [{path}](../{path})\n"


def _measured(result: Result | None, source: str) -> list[str]:
    lines = ["## Measured", ""]
    if result is None:
        return [*lines, _NOT_MEASURED]
    heads = (
        "arm",
        "server CPU above the control",
        "store CPU",
        "store commands",
        "p50 ms",
        "p99 ms",
        "logout: p50 / max",
    )
    lines += [_MEASURED.format(source=source, command=result.command)]
    lines += [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    return [*lines, *(_measured_row(name, arm) for name, arm in result.arms.items() if arm.strategy is not None), ""]


def _measured_row(name: str, arm: ArmResult) -> str:
    cells = (
        f"`{name}`", show_margin(arm), show(arm.store_cpu_us), f"{arm.store_commands_per_request:.2f}",
        show_percentile(arm.latency_ms, "p50"), show_percentile(arm.latency_ms, "p99"), show_lag(arm.revocation_lag_ms),
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def current_page() -> str:
    """Return the page as it should be now."""
    published = newest_result(RESULTS)
    return strategies_page(None) if published is None else strategies_page(read_result(published), published.name)


def current_peers_page() -> str:
    """Return the page of the peers as it should be now."""
    published = published_beside(RESULTS).get("peers")
    return _NO_PEERS if published is None else _PEERS_OPENING + write_peers_summary(published)


if __name__ == "__main__":
    PAGE.write_text(current_page(), encoding="utf-8")
    PEERS_PAGE.write_text(current_peers_page(), encoding="utf-8")
    SETTINGS_PAGE.write_text(settings_page(), encoding="utf-8")
