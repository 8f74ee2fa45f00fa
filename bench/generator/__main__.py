"""One generator process: orders on standard input, outcomes on standard output, and the end with the end of input."""

import gc
import sys

from bench.generator.messages import ORDER, Done, Forget, Outcome, Prepare, RunClosed, RunOpen
from bench.generator.station import Station


def main() -> None:
    """Carry out orders until there are no more."""
    gc.disable()  # nothing here makes cycles, and a collection would look like the server's latency
    stations: dict[str, Station] = {}
    current: Station | None = None
    for line in sys.stdin:
        order = ORDER.validate_json(line)
        reply: Done | Outcome = Done()
        match order:
            case Prepare():
                current = stations[order.arm] = stations.get(order.arm) or Station(order)
                current.prepare(order)
            case RunClosed() | RunOpen():
                if current is None:
                    raise SystemExit("a run was ordered before anything was prepared")
                reply = current.run(order)
            case Forget():
                if (station := stations.pop(order.arm, None)) is not None:
                    station.close()
        print(reply.model_dump_json(), flush=True)


if __name__ == "__main__":
    main()
