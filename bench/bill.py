"""The rest of the bill: what logins and refreshes cost, with the real price of a password check."""

import time
from collections.abc import Callable, Sequence
from urllib.parse import urlencode

from bench.accounts import caller_name
from bench.arms import ARMS
from bench.call import call
from bench.callers import Caller, log_in_to_auth, log_in_to_sessions
from bench.cpu import CpuMeter
from bench.ground import Ground, GroundPlan
from bench.proofs import NotRight
from bench.result import Bill
from bench.run import Run
from bench.store import StoreAccount

HASH_MEMORY_KIB = 19456
_PLANNED_S = 8.0
_REFRESHES = 100
_OK = 200


def planned_s(_run: Run) -> float:
    """Return how long it should take."""
    return _PLANNED_S


def measure_bill(run: Run) -> None:
    """Log in a few times at the real price, and refresh many times."""
    run.progress.begin("the price of logins and refreshes")
    real_price = {"LOGIN_HASH_MEMORY_KIB": str(HASH_MEMORY_KIB)}
    plan = GroundPlan(callers=_REFRESHES, login_settings=real_price)
    names = [caller_name(number) for number in range(run.plan.bill_logins)]
    with Ground(run.directory(), plan, run.placement) as ground:
        ground.start_auth_servers()
        auth = ground.auth_servers["HS256"]
        sessions = next(arm for arm in ARMS if arm.name == "redis-session").launch(ground, environment=real_price)
        ground.place([sessions])
        # The first login of an account replaces its cheap hash by one at the real price; the second pays that price.
        log_in_to_auth(auth.url, names)
        log_in_to_sessions(sessions.url, names)
        token_us, wall_ms = _price(auth.pid, lambda: [log_in_to_auth(auth.url, [name]) for name in names])
        session_us, _ = _price(sessions.pid, lambda: [log_in_to_sessions(sessions.url, [name]) for name in names])
        with StoreAccount(ground.store_urls["auth"]) as store:
            everybody = log_in_to_auth(auth.url, [caller_name(number) for number in range(_REFRESHES)])
            before = store.read()
            refresh_us, _ = _price(auth.pid, lambda: _refresh_all(auth.url, everybody))
            used = store.read().since(before)
    run.recorder.bill = Bill(
        token_login_cpu_us=round(token_us / len(names)),
        session_login_cpu_us=round(session_us / len(names)),
        login_wall_ms=round(wall_ms / len(names), 2),
        hash_memory_kib=HASH_MEMORY_KIB,
        refresh_cpu_us=round(refresh_us / _REFRESHES),
        refresh_store_commands=round(used.commands.total() / _REFRESHES, 2),
        refresh_store_cpu_us=round(used.cpu_us / _REFRESHES, 1),
    )
    run.progress.advance(_PLANNED_S)


def _price(pid: int, work: Callable[[], object]) -> tuple[float, float]:
    """Return the CPU time in µs that a server needed for some work, and how long that took in ms."""
    meter, started = CpuMeter([pid]), time.perf_counter()
    work()
    return meter.used_ns() / 1000, (time.perf_counter() - started) * 1000


def _refresh_all(url: str, callers: Sequence[Caller]) -> None:
    for caller in callers:
        form = {"grant_type": "refresh_token", "client_id": "authlab-web", **caller.extra}
        status = call(url, "/oauth/token", method="POST", form=urlencode(form)).status
        if status != _OK:
            raise NotRight(f"a refresh got {status}")
