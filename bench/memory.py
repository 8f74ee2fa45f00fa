"""What one more caller occupies, in the server and in the store: thousands of logins, each used once."""

import http.client

import psutil

from bench.arms import Arm
from bench.ground import Ground, GroundPlan
from bench.result import Memory
from bench.revocation import lag_arms
from bench.run import Run
from bench.stage import Stage, Staged
from bench.store import StoreAccount

_PLANNED_S = 14.0


def planned_s(run: Run) -> float:
    """Return how long it should take."""
    return len(lag_arms(run)) * _PLANNED_S if run.plan.memory_callers else 0.0


def measure_memory(run: Run) -> None:
    """Measure every strategy with servers and stores of its own."""
    if not run.plan.memory_callers:
        return
    for arm in lag_arms(run):
        run.progress.begin(f"memory per caller: {arm.name}")
        run.recorder.memory[arm.name] = _measure(run, arm)
        run.progress.advance(_PLANNED_S)


def _measure(run: Run, arm: Arm) -> Memory:
    callers = run.plan.memory_callers
    with Ground(run.directory(), GroundPlan(callers=callers), run.placement) as ground:
        ground.start_auth_servers()
        # As many remembered tokens as callers: a smaller cache would hide what a caller occupies.
        server = arm.launch(ground, environment={"RESOURCE_TOKEN_CACHE": str(callers)})
        ground.place([server])
        with StoreAccount(*ground.store_urls.values()) as stores:
            warm = Stage(ground, callers=50).stage(arm, [server])
            _use_each_once(warm)
            server_before, store_before = _private_bytes(server.pid), stores.read().memory_bytes
            _use_each_once(Stage(ground).stage(arm, [server]))
            return Memory(
                server_bytes_per_caller=round((_private_bytes(server.pid) - server_before) / callers),
                store_bytes_per_caller=round((stores.read().memory_bytes - store_before) / callers),
            )


def _use_each_once(staged: Staged) -> None:
    host, port = staged.addresses[0]
    connection = http.client.HTTPConnection(host, port, timeout=10)
    for caller in staged.callers:
        connection.request("GET", staged.arm.path, headers=dict(caller.headers))
        connection.getresponse().read()
    connection.close()


def _private_bytes(pid: int) -> int:
    """Return what would be free again if the process ended."""
    return int(psutil.Process(pid).memory_full_info().uss)
