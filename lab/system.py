"""Run the whole system as children of this process: Redis, then secrets, then every server; and stop it in reverse."""

import os
import secrets as randomness
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

import psutil

from lab.detours import Detours
from lab.gateway.supervision import ProcessControl
from lab.ports import taken_ports
from lab.processes import (
    Output,
    ProcessFailed,
    RedisProcess,
    ServerProcess,
    find_redis_server,
    free_port,
    inherited_environment,
)
from lab.state import LabDirectory, LabState, RedisState, ServerState
from lab.topology import (
    ACCOUNTS_STAY,
    AUDIENCE,
    AUTH,
    AUTH_PORT,
    FEED,
    REDIS_AUTH,
    REDIS_SESSIONS,
    Choices,
    Secrets,
    ServerPlan,
    Sight,
    Stores,
    servers,
)

_READY_WITHIN_S = 60.0
_DYING_WITHIN_S = 12.0
_OUR_PROGRAMS = ("auth_server", "resource_server", "session_server", "lab.gateway", "redis-server", "valkey-server")
_NO_STORES = Stores("", "")
_URL_VARIABLES = {REDIS_AUTH: "AUTH_REDIS_URL", REDIS_SESSIONS: "SESSION_REDIS_URL"}

OutputOf = Callable[[str], Output]
"""Where the lines of a server of this name go."""


class CannotStart(Exception):
    """The system cannot be started; the message is one line that says what to do."""


class AlreadyRunning(CannotStart):
    """Another supervisor holds this directory."""


class System:
    """Everything that `authlab up` runs. Use it as a context manager: leaving it stops everything."""

    def __init__(self, directory: LabDirectory, choices: Choices, output_of: OutputOf) -> None:
        self._directory = directory
        self._choices = choices
        self._output_of = output_of
        self._secrets = Secrets(directory.secrets)
        self._redis: dict[str, RedisProcess] = {}
        self._urls: dict[str, str] = {}
        self._detours = Detours()
        self._control: ProcessControl | None = None
        self._restarting: set[str] = set()
        self._servers: list[tuple[ServerPlan, ServerProcess]] = []
        self._known_to_have_ended: set[str] = set()
        self._lock: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> LabState:
        """Start everything and return when all is ready. Raises `CannotStart`, `NoRedis` or `ProcessFailed`."""
        self._directory.create()
        self._lock = self._directory.lock()
        if self._lock is None:
            raise AlreadyRunning("it is running already")
        _let_the_crashed_end(self._directory.recorded())
        self._directory.forget()
        self._check_ports()
        self._start_redis()
        _make_secrets(self._secrets)
        self._control = ProcessControl(self.restart)
        for plan in self._plan():
            output = self._output_of(plan.name)
            port = plan.own_port or plan.port
            process = ServerProcess(plan.name, plan.module, plan.environment, port, output=output)
            self._servers.append((plan, process.start()))
        for _, process in self._servers:
            process.wait_ready(_READY_WITHIN_S)
        state = self._state()
        self._directory.record(state)
        return state

    def restart(self, name: str, settings: Mapping[str, str]) -> None:
        """Restart a server with settings beside its own. Raises `KeyError`, `ProcessFailed`."""
        found = {plan.name: (plan, process) for plan, process in self._servers}
        plan, process = found[name]
        self._restarting.add(name)
        try:
            process.stop()
            process.environment = plan.environment | dict(settings)
            process.start().wait_ready(_READY_WITHIN_S)
        finally:
            self._restarting.discard(name)
        self._directory.record(self._state())

    def ended(self) -> list[str]:
        """Say of each process that has ended by itself, once, how it went."""
        processes = [*self._redis.values(), *(process for _, process in self._servers)]
        expected = self._known_to_have_ended | self._restarting
        news = [process for process in processes if not process.running and process.name not in expected]
        self._known_to_have_ended.update(process.name for process in news)
        return [process.last_words() for process in news]

    def stop(self) -> None:
        """Stop all servers at once, then the proxies, then Redis; return when all are gone."""
        if self._control is not None:
            self._control.close()
        for _, server in self._servers:
            server.ask_to_stop()
        for _, server in self._servers:
            server.stop()
        self._detours.stop()
        for redis in self._redis.values():
            redis.stop()
        if self._lock is not None:
            self._directory.forget()
            os.close(self._lock)
            self._lock = None

    def _check_ports(self) -> None:
        wanted = {plan.port: plan.name for plan in servers(self._choices, _NO_STORES, self._secrets)}
        if taken := taken_ports(wanted):
            raise CannotStart("; ".join(taken.values()) + " (stop it, or use --port-offset)")

    def _plan(self) -> list[ServerPlan]:
        """Plan the servers, with a fault proxy in front of each Redis and of the auth server."""
        auth_port = free_port()
        auth_url, sessions_url = self._urls[REDIS_AUTH], self._urls[REDIS_SESSIONS]
        stores = Stores(
            auth_url=self._detours.around(REDIS_AUTH, auth_url),
            sessions_url=self._detours.around(REDIS_SESSIONS, sessions_url),
            feed_url=self._detours.around(FEED, auth_url) if self._choices.everything else "",
        )
        self._detours.at(AUTH, AUTH_PORT + self._choices.port_offset, auth_port)
        sight = Sight(
            redis_auth_url=auth_url,
            redis_sessions_url=sessions_url,
            stores_are_ours=self._redis.keys() == self._urls.keys(),
            fault_proxies=self._detours.control_ports,
            supervisor_socket=self._control.path if self._control is not None else None,
        )
        return servers(self._choices, stores, self._secrets, sight, auth_port=auth_port)

    def _start_redis(self) -> None:
        for name, arguments in ((REDIS_AUTH, ACCOUNTS_STAY), (REDIS_SESSIONS, ())):
            if given := os.environ.get(_URL_VARIABLES[name]):
                self._urls[name] = given
                continue
            find_redis_server()
            home = self._directory.path / name
            redis = RedisProcess.start(home, arguments=arguments, name=name, output=self._output_of(name))
            self._redis[name] = redis
            self._urls[name] = redis.url

    def _state(self) -> LabState:
        redis = [
            RedisState(name, url, self._redis[name].pid if name in self._redis else None)
            for name, url in self._urls.items()
        ]
        running = [ServerState(plan.name, plan.url, plan.strategy, process.pid) for plan, process in self._servers]
        return LabState(os.getpid(), self._choices.everything, running, redis, self._detours.control_ports)


def _let_the_crashed_end(left_behind: LabState | None) -> None:
    """Wait for what a killed supervisor left: its watchers are ending those servers just now."""
    if left_behind is None:
        return
    deadline = time.monotonic() + _DYING_WITHIN_S
    pids = [server.pid for server in left_behind.servers] + [redis.pid for redis in left_behind.redis if redis.pid]
    while any(_is_ours(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)


def _is_ours(pid: int) -> bool:
    """Tell whether a recorded pid still is what we started, and not another process with its number."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        command = " ".join(process.cmdline())
        return process.status() != psutil.STATUS_ZOMBIE and any(name in command for name in _OUR_PROGRAMS)
    return False


def _make_secrets(secrets: Secrets) -> None:
    command = [
        sys.executable,
        "-m",
        "auth_server.bootstrap",
        "--secrets",
        str(secrets.directory),
        "--audience",
        AUDIENCE,
    ]
    done = subprocess.run(command, env=inherited_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it wrote nothing"]
        raise ProcessFailed(f"making the secrets ended with {done.returncode}: {lines[-1]}")
    secrets.public_keys.mkdir(mode=0o700, exist_ok=True)
    if not secrets.lab.exists():
        LabDirectory.write_private(secrets.lab, randomness.token_urlsafe(32))
