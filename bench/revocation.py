"""Revocation lag: how long after a logout, a logout everywhere or a change of roles the old credential still works."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from random import Random
from statistics import median

from bench.accounts import ADMIN, caller_name
from bench.arms import ARMS, Arm
from bench.call import call
from bench.callers import Caller
from bench.generator.corpus import prepare_request
from bench.ground import Ground, GroundPlan
from bench.histogram import Histogram
from bench.proofs import NotRight, log_in_once, log_out, revoked_within
from bench.replay import Change, Replay, Watched
from bench.result import EVENTS, UNTIL_EXPIRY, Lag
from bench.run import Run
from lab.processes import LOOPBACK, ServerProcess

_TRIAL_S = 0.45
_SET_UP_S = 12.0
_INTERVAL_S = 0.0002
_SLOW_INTERVAL_S = 0.25
_SLACK_S = 5.0


@dataclass(slots=True)
class Subjects:
    """The servers of one strategy, and accounts that no trial has used yet."""

    arm: Arm
    servers: Sequence[ServerProcess]
    auth_url: str
    names: Iterator[str]

    @property
    def url(self) -> str:
        """Where callers of this strategy log out, if not at the auth server."""
        return self.servers[0].url

    def log_in(self) -> Caller:
        """Log an account in that was never used before."""
        return log_in_once(self.arm, self.url, self.auth_url, next(self.names))

    def end(self, event: str, caller: Caller) -> None:
        """Do what should end the caller's credential."""
        match event:
            case "logout":
                log_out(self.arm, self.url, self.auth_url, caller)
            case "logout-everywhere":
                log_out(self.arm, self.url, self.auth_url, caller, "/logout-everywhere")
            case _:
                self._change_roles(caller.name)

    def _change_roles(self, name: str) -> None:
        """Do what `authlab accounts set-roles` does: on the session side that ends the account's sessions."""
        admin = log_in_once(self.arm, self.url, self.auth_url, ADMIN)
        if self.arm.credential == "session":
            path, body = f"/admin/accounts/{name}/end-sessions", None
            reply = call(self.url, path, method="POST", headers={**admin.headers, **admin.extra}, body=body)
        else:
            path, roles = f"/admin/accounts/{name}/roles", {"roles": ["user", "auditor"]}
            reply = call(self.auth_url, path, method="POST", headers=admin.headers, body=roles)
        if reply.status >= 300:  # noqa: PLR2004 - not a success
            raise NotRight(f"{self.arm.name}: {path} answered {reply.status}")

    def watch(self, caller: Caller, change: int = 0) -> list[Watched]:
        """Watch one caller's credential at every server."""
        return [
            Watched(
                (LOOPBACK, server.port),
                prepare_request(f"{LOOPBACK}:{server.port}", "/me", dict(caller.headers), caller.subject),
                change,
            )
            for server in self.servers
        ]


@dataclass(slots=True)
class _Background:
    """The watch over tokens that nothing ends but time; it takes their whole life, so it runs beside the others."""

    work: Callable[[], dict[str, list[float]]]
    found: dict[str, list[float]] = field(default_factory=dict)
    error: BaseException | None = None

    def run(self) -> None:
        try:
            self.found = self.work()
        except Exception as error:  # noqa: BLE001 - raised again by whoever waits
            self.error = error


def lag_arms(run: Run) -> list[Arm]:
    """Return one arm of each strategy that the run is about: variants of a strategy learn of a logout equally fast."""
    wanted = {arm.strategy for arm in run.arms}
    chosen: dict[str, Arm] = {}
    for arm in ARMS:
        if arm.strategy is not None and arm.strategy in wanted:
            chosen.setdefault(arm.strategy, arm)
    return [*chosen.values()]


def planned_s(run: Run) -> float:
    """Return how long the trials should take."""
    arms = lag_arms(run)
    if not arms:
        return 0.0
    trials = len(arms) * len(EVENTS) * run.plan.lag_trials * _TRIAL_S
    return _SET_UP_S + max(trials, run.plan.lag_ttl_s if _never_told(arms) else 0)


def measure_revocation(run: Run) -> None:
    """Measure every strategy; what is found is recorded strategy by strategy."""
    arms = lag_arms(run)
    if not arms:
        return
    run.progress.begin("revocation lag: starting servers")
    accounts = (len(arms) + 1) * len(EVENTS) * (run.plan.lag_trials + run.plan.expiry_trials)
    plan = GroundPlan(callers=accounts, access_ttl_s=run.plan.lag_ttl_s)
    names = map(caller_name, count())
    with ExitStack() as stack:
        ground = stack.enter_context(Ground(run.directory(), plan, run.placement))
        ground.start_auth_servers()
        subjects = [Subjects(arm, _servers(run, ground, arm), ground.auth_url(), names) for arm in arms]
        ground.place([server for one in subjects for server in one.servers])
        run.progress.advance(_SET_UP_S)
        waiting = [one for one in subjects if one.arm in _never_told(arms)]
        background = [_Background(_expiry_watch(run, one)) for one in waiting]
        threads = [threading.Thread(target=one.run, daemon=True) for one in background]
        for thread in threads:
            thread.start()
        for one in subjects:
            if one not in waiting:
                _measure_told(run, one)
        run.progress.begin("revocation lag: waiting for tokens to expire")
        for one, thread, behind in zip(waiting, threads, background, strict=True):
            while thread.is_alive():
                thread.join(timeout=1)
                run.progress.advance(0.5)
            if behind.error is not None:
                raise behind.error
            _record(run, one.arm, behind.found, UNTIL_EXPIRY, _SLOW_INTERVAL_S * 1000)


def _never_told(arms: Sequence[Arm]) -> list[Arm]:
    return [arm for arm in arms if arm.strategy and revoked_within(arm.strategy) is None]


def _servers(run: Run, ground: Ground, arm: Arm) -> list[ServerProcess]:
    """Start the servers of a strategy: several that share what they know, where they can share it."""
    several = 1 if arm.strategy == "memory-session" else run.plan.lag_servers
    return [arm.launch(ground, f"{arm.name}-{number}") for number in range(several)]


def _measure_told(run: Run, subjects: Subjects) -> None:
    promised = revoked_within(subjects.arm.strategy or "")
    give_up_s = (promised.total_seconds() if promised else 0.0) + _SLACK_S
    found: dict[str, list[float]] = {event: [] for event in EVENTS}
    resolutions_ms = []
    for trial in range(run.plan.lag_trials):
        for event in EVENTS:
            run.progress.begin(f"revocation lag: {subjects.arm.name}, {event} {trial + 1} of {run.plan.lag_trials}")
            caller = subjects.log_in()
            change = Change(0.05, _ending(subjects, event, caller))
            replay = Replay(subjects.watch(caller), [change], interval_s=_INTERVAL_S)
            found[event] += replay.lags_ms(give_up_s)
            resolutions_ms.append(replay.resolution_ms)
            run.progress.advance(_TRIAL_S)
    bound = f"{promised.total_seconds():g} s" if promised else "next request"
    _record(run, subjects.arm, found, bound, median(resolutions_ms))


def _ending(subjects: Subjects, event: str, caller: Caller) -> Callable[[], None]:
    return lambda: subjects.end(event, caller)


def _expiry_watch(run: Run, subjects: Subjects) -> Callable[[], dict[str, list[float]]]:
    """Log tokens out at random moments of their life, and watch all of them until the last has expired."""
    source = Random(run.seed)
    events = [event for event in EVENTS for _ in range(run.plan.expiry_trials)]
    callers = [subjects.log_in() for _ in events]

    def work() -> dict[str, list[float]]:
        changes = [
            Change(source.uniform(0.02, 0.9) * run.plan.lag_ttl_s, _ending(subjects, event, caller))
            for event, caller in zip(events, callers, strict=True)
        ]
        watched = [one for number, caller in enumerate(callers) for one in subjects.watch(caller, number)]
        lags = Replay(watched, changes, interval_s=_SLOW_INTERVAL_S).lags_ms(run.plan.lag_ttl_s + _SLACK_S)
        found: dict[str, list[float]] = {event: [] for event in EVENTS}
        for one, lag in zip(watched, lags, strict=True):
            found[events[one.change]].append(lag)
        return found

    return work


def _record(run: Run, arm: Arm, found: dict[str, list[float]], bound: str, resolution_ms: float) -> None:
    run.recorder.lags[arm.strategy or ""] = {
        event: sum_up_lags(lags, bound, round(resolution_ms, 3)) for event, lags in found.items() if lags
    }


def sum_up_lags(lags_ms: Sequence[float], bound: str, resolution_ms: float) -> Lag:
    """Write the distribution of lags; a lag within the resolution is not told from none."""
    histogram = Histogram()
    for lag in lags_ms:
        histogram.record(int(lag * 1000))
    return Lag(
        p50=round(median(lags_ms), 3),
        p99=min(histogram.percentile_us(99) / 1000, max(lags_ms)),
        max=round(max(lags_ms), 3),
        bound=bound,
        resolution_ms=resolution_ms,
        samples_ms=tuple(round(lag, 3) for lag in sorted(lags_ms)),
    )
