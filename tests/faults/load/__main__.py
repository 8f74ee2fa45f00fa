"""The load process: a plan as the first line of standard input; records on standard output once the input ends."""

import asyncio
import gc
import resource
import sys

import uvloop

from tests.faults.load.plan import read_plan, write_records
from tests.faults.load.traffic import Traffic


async def _main() -> None:
    lines = read_plan(sys.stdin.readline())
    told_to_stop = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), told_to_stop.set)
    traffic = Traffic()
    try:
        await traffic.run(lines, told_to_stop)
    finally:
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
    sys.stdout.writelines(f"{text}\n" for text in write_records(traffic.records))


if __name__ == "__main__":
    gc.disable()  # a collection would look like the server's latency
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    uvloop.run(_main())
