"""What the tests of the benchmark share: a small but complete result, measured once and kept."""

from pathlib import Path

import pytest

from bench.result import Result
from bench.result_file import read_result

SMALL = Path(__file__).parent / "data" / "small.json"


@pytest.fixture(scope="session")
def small_file() -> Path:
    """Return the file of a run with everything in it, too short to mean anything."""
    return SMALL


@pytest.fixture(scope="session")
def small(small_file: Path) -> Result:
    """Return that run."""
    return read_result(small_file)
