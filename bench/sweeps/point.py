"""One point of a sweep: an arm under both loops for a moment, as everywhere else."""

from bench import intervals
from bench.result import Interval, SweepPoint
from bench.run import Run
from bench.slices import Bench
from bench.stage import Staged
from bench.summing import sum_up_latency

SLICES = 3
SLICE_S = 0.7
POINT_S = SLICES * SLICE_S * 2 + 0.4


def measure_point(
    run: Run, bench: Bench, staged: Staged, x: float, *, rate: float = 500.0, connections: int = 0
) -> SweepPoint:
    """Measure an arm at one value of x."""
    bench.prepare(
        staged, connections=connections or run.plan.connections, seed=run.seed, warm_up_s=3 * run.plan.warm_up_s
    )
    closed = [bench.closed(staged, seed=run.seed + turn, duration_s=SLICE_S) for turn in range(SLICES)]
    opened = [bench.open(staged, seed=run.seed + turn, duration_s=SLICE_S, rate=rate) for turn in range(SLICES)]
    for piece in (*closed, *opened):
        run.check(piece)
    answered = sum(piece.outcome.answered for piece in closed)
    cpu = [cost for piece in closed if (cost := piece.cpu_us_per_request) is not None]
    run.progress.advance(POINT_S)
    return SweepPoint(
        arm=staged.arm.name,
        x=x,
        server_cpu_us=Interval.of(intervals.interval(cpu, run.seed)) if cpu else None,
        answered_rps=Interval.of(intervals.interval([piece.answered_rps for piece in closed], run.seed)),
        store_cpu_us=round(sum(piece.store.cpu_us for piece in closed) / answered, 3),
        store_commands_per_request=round(sum(piece.store.commands.total() for piece in closed) / answered, 4),
        latency_ms=sum_up_latency(opened, rate, run.seed),
        bytes_up=round(sum(piece.outcome.bytes_up for piece in closed) / answered, 1),
    )
