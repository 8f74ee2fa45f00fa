"""One stack for all tests of the containers, and nothing left of it afterwards."""

import secrets
import subprocess
from collections.abc import Iterator

import pytest

from tests.compose.stack import Stack, why_no_engine

_BUILT_WITHIN_S = 900


@pytest.fixture(scope="session")
def tag() -> Iterator[str]:
    """Build the images under a tag of their own, so that a user's stay as they are."""
    reason = why_no_engine()
    if reason is not None:
        pytest.skip(f"THE CONTAINERS ARE NOT TESTED: {reason}")
    name = f"test-{secrets.token_hex(4)}"
    Stack(f"authlab-{name}", name).compose("build", timeout_s=_BUILT_WITHIN_S)
    yield name
    images = [f"authlab:{name}", f"authlab-bench:{name}"]
    subprocess.run(["docker", "image", "rm", *images], capture_output=True, check=False)


@pytest.fixture(scope="session")
def stack(tag: str) -> Iterator[Stack]:
    """Run the system."""
    stack = Stack(f"authlab-{tag}", tag)
    try:
        stack.compose("up", "--wait")
        yield stack
    finally:
        stack.down()


@pytest.fixture
def own_stack(tag: str) -> Iterator[Stack]:
    """Return a stack of which nothing has been started yet."""
    stack = Stack(f"authlab-{tag}-own", tag)
    try:
        yield stack
    finally:
        stack.down()
