"""A process that cannot start says why in one line, and ends with the code that tells whose fault it is."""

import socket
import subprocess
import sys

import pytest

from lab.processes import free_port, inherited_environment
from tests.support.environments import auth_environment, resource_environment, session_environment


def run(module: str, environment: dict[str, str]) -> tuple[int, str]:
    """Start a server that must end by itself; return its exit code and the one line that it wrote."""
    ended = subprocess.run(
        [sys.executable, "-m", module],
        env=inherited_environment() | environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    (line,) = ended.stderr.splitlines()
    assert "" == ended.stdout
    return ended.returncode, line


@pytest.mark.parametrize(
    ("module", "environment", "named"),
    [
        ("auth_server", auth_environment(AUTH_MASTER_SECRET="secret" * 8), "AUTH_MASTER_SECRET is too weak"),
        ("resource_server", resource_environment("no-such-strategy"), "RESOURCE_STRATEGY is one of plain-jwt, "),
        ("session_server", session_environment("redis-session"), "SESSION_REDIS_URL is missing"),
    ],
)
def test_a_wrong_setting_is_code_2(module: str, environment: dict[str, str], named: str) -> None:
    code, line = run(module, {**environment, "PORT": str(free_port())})
    assert 2 == code
    assert line.startswith(f"{module}: {named}")


def test_a_port_that_is_taken_is_code_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, line = run("session_server", {**session_environment("memory-session"), "PORT": str(port)})
    assert (1, True) == (code, f"cannot listen on 127.0.0.1:{port}" in line)
