"""A process without memory ends at once: half alive it would serve nobody, and nobody would replace it."""

import subprocess
import sys

import pytest

from core.out_of_memory import EXIT_CODE
from lab.processes import inherited_environment

IN_A_CALLBACK = """
import asyncio
from core.out_of_memory import end_when_out_of_memory

async def main():
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(end_when_out_of_memory)
    loop.call_soon(lambda: {error})
    await asyncio.sleep(0.1)

asyncio.run(main())
"""
IN_A_REQUEST = """
import asyncio
from aiohttp.test_utils import make_mocked_request
from core.authorization import PUBLIC
from core.endpoint import Endpoint
from core.frame import Frame

async def handler(request):
    {error}

request = make_mocked_request("GET", "/")
request.protocol.arrived_s = 0.0
asyncio.run(Frame().around(Endpoint("GET", "/livez", handler, PUBLIC, "It"))(request))
"""


@pytest.mark.parametrize("program", [IN_A_CALLBACK, IN_A_REQUEST], ids=["in a callback", "in a request"])
def test_memory_that_is_not_there_ends_the_process_and_another_error_does_not(program: str) -> None:
    ended = {name: run(program.format(error=f"{name}[0]")) for name in ("bytearray(1 << 62)", "{}")}
    assert {"bytearray(1 << 62)": EXIT_CODE, "{}": 0} == ended


def run(program: str) -> int:
    """Run a program and return its exit code."""
    environment = inherited_environment()
    return subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=False).returncode
