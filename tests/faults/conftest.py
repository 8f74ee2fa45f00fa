"""What every fault stands on: a house of its own, and a table that gets a row only from a fault that was survived."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from tests.faults.house import House
from tests.faults.table import Incomplete, Row, publish

_ROWS: pytest.StashKey[list[Row]] = pytest.StashKey()


class RowOf(Protocol):
    """Opens the row of one fault; it counts when its block ends without an error and every promise was kept."""

    def __call__(self, fault_id: str, fault: str, *, injected: str, promise: str) -> AbstractContextManager[Row]:
        """Open it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add where the table goes."""
    parser.addoption("--publish-faults", type=Path, metavar="DIR", help="write faults.json and faults.md there")


def pytest_configure(config: pytest.Config) -> None:
    """Begin with an empty table."""
    config.stash[_ROWS] = []


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Return a house to build a system in. At its end no server may have crashed on a request."""
    with House(tmp_path) as house:
        yield house
    assert {} == house.crashes()


@pytest.fixture
def row_of(request: pytest.FixtureRequest) -> RowOf:
    """Return what opens a row."""

    @contextmanager
    def open_row(fault_id: str, fault: str, *, injected: str, promise: str) -> Iterator[Row]:
        row = Row(fault_id, fault, injected, promise)
        yield row
        for run in row.runs:
            run.hold()
        request.config.stash[_ROWS].append(row)

    return open_row


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """Show the rows. Publish the table of a whole and good run; leave the published one alone after any other."""
    rows: list[Row] = config.stash[_ROWS]
    for row in rows:
        terminalreporter.write_line(row.summary())
    directory: Path | None = config.getoption("--publish-faults")
    if directory is None:
        return
    try:
        if exitstatus != pytest.ExitCode.OK:
            raise Incomplete("a fault was not survived")
        publish(rows, directory)
    except Incomplete as reason:
        terminalreporter.write_line(f"The fault table was not published: {reason}", red=True)
    else:
        terminalreporter.write_line(f"The fault table was published in {directory}", green=True)
