"""How far a run is and how long it will take: on a terminal, and only there."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.text import Text


class ProgressDisplay(Protocol):
    """What a run tells about itself while it goes on. Planned seconds need not be exact: the display learns."""

    def plan(self, total_s: float) -> None:
        """Say how long everything should take."""

    def begin(self, what: str) -> None:
        """Say what is being done now."""

    def advance(self, planned_s: float) -> None:
        """Say that a part is done which was planned to take this long."""


class Silent:
    """Nobody is watching."""

    def plan(self, total_s: float) -> None:
        """Say nothing."""

    def begin(self, what: str) -> None:
        """Say nothing."""

    def advance(self, planned_s: float) -> None:
        """Say nothing."""


class _TimeLeft(ProgressColumn):
    """The planned rest, stretched by how much slower than planned it went so far."""

    def render(self, task: Task) -> Text:
        if not task.completed or task.total is None or task.elapsed is None:
            return Text("about …", style="progress.remaining")
        left_s = (task.total - task.completed) * task.elapsed / task.completed
        return Text(f"about {int(left_s // 60)}:{int(left_s % 60):02d} left", style="progress.remaining")


class OnTerminal:
    """A bar that is redrawn twice a second, so that drawing costs the measurement nothing to speak of."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def plan(self, total_s: float) -> None:
        """Set the length of the bar."""
        self._progress.update(self._task, total=total_s)

    def begin(self, what: str) -> None:
        """Show what is being done now."""
        self._progress.update(self._task, description=what)

    def advance(self, planned_s: float) -> None:
        """Move the bar."""
        self._progress.advance(self._task, planned_s)


@contextmanager
def showing_progress(console: Console) -> Iterator[ProgressDisplay]:
    """Show progress while the block runs, if the console is a terminal."""
    if not console.is_terminal:
        yield Silent()
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), _TimeLeft())
    with Progress(*columns, console=console, refresh_per_second=2, transient=True) as progress:
        yield OnTerminal(progress, progress.add_task("starting", total=None))
