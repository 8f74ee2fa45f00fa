"""`python -m lab.fault_proxy --listen PORT --to HOST:PORT --control PORT`."""

import argparse
import asyncio
import json
import signal
import sys

from lab.fault_proxy.control import serve_control
from lab.fault_proxy.precise_loop import new_event_loop
from lab.fault_proxy.proxy import Proxy


def main() -> int:
    """Run one proxy until SIGTERM. Exit code 1: a port is taken."""
    options = _options()
    host, _, port = options.to.rpartition(":")
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        try:
            return runner.run(_run(options.host, options.listen, (host, int(port)), options.control))
        except OSError as error:
            print(f"fault proxy: {error}", file=sys.stderr)
            return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m lab.fault_proxy", description=sys.modules["lab.fault_proxy"].__doc__
    )
    parser.add_argument("--host", default="127.0.0.1", help="address of both ports (default 127.0.0.1)")
    parser.add_argument(
        "--listen", type=int, required=True, metavar="PORT", help="where clients connect; 0: any free one"
    )
    parser.add_argument("--to", required=True, metavar="HOST:PORT", help="the server behind")
    parser.add_argument(
        "--control", type=int, required=True, metavar="PORT", help="where commands come; 0: any free one"
    )
    return parser.parse_args()


async def _run(host: str, listen: int, target: tuple[str, int], control: int) -> int:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    proxy = Proxy((host, listen), target)
    port = proxy.open()
    controller = await serve_control(proxy, (host, control))
    control_port = controller.sockets[0].getsockname()[1]
    print(json.dumps({"listen": port, "control": control_port}), flush=True)
    await stopped.wait()
    controller.close()
    proxy.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
