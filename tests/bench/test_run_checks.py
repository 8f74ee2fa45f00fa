"""A slice that cannot be what it says fails the run."""

from pathlib import Path

import pytest

from bench.arms import CONTROL
from bench.cores import Placement
from bench.generator.tally import Tally
from bench.plan import QUICK
from bench.progress import Silent
from bench.proofs import NoAnswer, NotRight
from bench.run import Recorder, Run
from bench.slices import Kind, Slice
from bench.store import StoreUse


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(QUICK, [CONTROL], 7, Placement((), ()), Silent(), Recorder({}), workplace=tmp_path)


def seen(kind: Kind, *, answered: int, cpu_us: float | None, wrong_subjects: int = 0) -> Slice:
    outcome = Tally(0).to_outcome(generator_cpu_s=0.0)
    updated = outcome.model_copy(update={"answered": answered, "ok": answered, "wrong_subjects": wrong_subjects})
    return Slice("peer", kind, updated, cpu_us, 0.0, StoreUse())


def test_what_can_be_passes(run: Run) -> None:
    run.check(seen("closed", answered=1000, cpu_us=20_000.0))
    run.check(seen("closed", answered=1000, cpu_us=None))
    run.check(seen("open", answered=10, cpu_us=0.0))


def test_answers_that_cost_their_server_nothing_came_from_another(run: Run) -> None:
    """A peer that waits silently for its port, which a server of ours has, would be measured as that one."""
    with pytest.raises(NotRight, match="another server"):
        run.check(seen("closed", answered=10_000, cpu_us=0.0))


def test_a_wrong_name_or_no_answer_fails(run: Run) -> None:
    with pytest.raises(NotRight, match="wrong subject"):
        run.check(seen("closed", answered=1000, cpu_us=20_000.0, wrong_subjects=1))
    with pytest.raises(NoAnswer):
        run.check(seen("closed", answered=0, cpu_us=20_000.0))
