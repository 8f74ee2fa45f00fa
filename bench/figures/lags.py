"""How long a logout, a logout everywhere and a change of roles take to be seen, as distributions."""

from matplotlib.figure import Figure as Picture

from bench.figures.figure import Figure, Table
from bench.figures.style import colour_of, marker_of, new_picture
from bench.figures.words import duration
from bench.result import EVENTS, Lag, Result


def _lags(result: Result) -> dict[tuple[str, str], Lag]:
    found: dict[tuple[str, str], Lag] = {}
    for name, arm in result.arms.items():
        if name == arm.strategy and arm.revocation_lag_ms:
            lags = {"logout": arm.revocation_lag_ms, **arm.other_lags_ms}
            found |= {(name, event): lags[event] for event in EVENTS if event in lags}
    return found


def _draw(result: Result) -> Picture:
    lags = _lags(result)
    picture, (axes,) = new_picture(height=1.0 + 0.22 * len(lags))
    for row, ((arm, _), lag) in enumerate(lags.items()):
        seen = [max(sample, lag.resolution_ms) for sample in lag.samples_ms]
        axes.plot(seen, [row] * len(seen), linestyle="none", marker="|", color=colour_of(arm, arm), alpha=0.5)
        axes.plot([max(lag.p50, lag.resolution_ms)], [row], marker=marker_of(arm, arm), color=colour_of(arm, arm))
    axes.set_yticks(range(len(lags)), [f"{arm}, {event}" for arm, event in lags], fontsize=8)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("until the last 200, ms (marker: the median)")
    return picture


def _sentence(result: Result) -> str:
    lags = _lags(result)
    (arm, event), slowest = max(lags.items(), key=lambda item: item[1].max)
    at_once = sorted({arm for arm, _ in lags} - {arm for (arm, _), lag in lags.items() if lag.max > lag.resolution_ms})
    told = f"The longest wait was {duration(slowest.max)}: {arm} after a {event} ({slowest.bound})"
    return f"{told}; no old credential was seen to work at {', '.join(at_once)}." if at_once else f"{told}."


def _table(result: Result) -> Table:
    rows = [
        (
            arm,
            event,
            duration(lag.p50, lag.resolution_ms),
            duration(lag.p99, lag.resolution_ms),
            duration(lag.max, lag.resolution_ms),
            f"{lag.resolution_ms:.2g} ms",
            lag.bound,
            str(len(lag.samples_ms)),
        )
        for (arm, event), lag in _lags(result).items()
    ]
    return Table(("strategy", "event", "p50", "p99", "max", "resolution", "promised", "samples"), rows)


FIGURE = Figure(
    name="lags",
    title="How long the old credential still works",
    has=lambda result: bool(_lags(result)),
    draw=_draw,
    sentence=_sentence,
    table=_table,
)
