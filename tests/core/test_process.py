"""A server as a process: how it refuses to start, how it stops without losing a request, how several work as one."""

import asyncio
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import psutil
import pytest
from aiohttp import ClientSession

import auth_server.app
import resource_server.app
import session_server.app
from auth_server.settings import AuthSettings
from core.process import main
from lab.processes import ServerProcess, free_port
from resource_server.settings import ResourceSettings
from session_server.settings import SessionSettings
from tests.attacks.wire import request_bytes
from tests.faults.flood import flood
from tests.support.caller import Caller, calling
from tests.support.environments import MASTER, auth_environment, resource_environment, session_environment
from tests.support.patience import until
from tests.support.wire import request, spoken, status_of

RefusedStart = Callable[[str, Mapping[str, str]], tuple[int, str]]
PROGRAMS: dict[str, tuple[Any, Any]] = {
    "auth_server": (AuthSettings, auth_server.app.create_app),
    "resource_server": (ResourceSettings, resource_server.app.create_app),
    "session_server": (SessionSettings, session_server.app.create_app),
}
ENVIRONMENTS = {
    "auth_server": auth_environment(),
    "resource_server": resource_environment(),
    "session_server": session_environment("memory-session"),
}


@pytest.fixture
def refused_start(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RefusedStart:
    """Start a server that must not start; return its exit code and the one line that it wrote.

    It ends before there is an event loop, so it needs no process of its own; tests/system starts some that have one.
    """

    def start(module: str, environment: Mapping[str, str]) -> tuple[int, str]:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", [module])
        settings_type, create_app = PROGRAMS[module]
        with pytest.raises(SystemExit) as ended:
            main(module, settings_type, create_app)
        written = capsys.readouterr()
        (line,) = written.err.splitlines()
        assert ("", True) == (written.out, line.startswith(f"{module}: "))
        assert isinstance(ended.value.code, int)
        return ended.value.code, line

    return start


@pytest.mark.parametrize(
    ("module", "changes", "named"),
    [
        ("auth_server", {"AUTH_MASTER_SECRET": ""}, "AUTH_MASTER_SECRET"),
        ("auth_server", {"AUTH_MASTER_SECRET": "secret" * 8}, "AUTH_MASTER_SECRET"),
        ("auth_server", {"AUTH_CLIENTS_FILE": "/nowhere/clients.toml"}, "clients.toml"),
        ("auth_server", {"AUTH_ALGORITHM": "ES256", "AUTH_KEYS_DIR": "/dev/null/keys"}, "AUTH_KEYS_DIR"),
        ("auth_server", {"PORT": "eighty"}, "PORT"),
        ("resource_server", {"RESOURCE_STRATEGY": "no-jwt"}, "plain-jwt, denylisted-jwt"),
        ("resource_server", {"RESOURCE_SHARED_SECRET": ""}, "RESOURCE_SHARED_SECRET"),
        ("resource_server", {"RESOURCE_STRATEGY": "pushed-jwt", "WORKERS": "2"}, "RESOURCE_REDIS_URL"),
        ("resource_server", {"RESOURCE_STRATEGY": "introspected-token"}, "RESOURCE_INTROSPECTION_URL"),
        ("session_server", {"SESSION_STRATEGY": "paper-session"}, "memory-session, redis-session"),
        ("session_server", {"SESSION_STRATEGY": "redis-session"}, "SESSION_REDIS_URL"),
        ("session_server", {"SESSION_ACCOUNTS_FILE": "/nowhere/accounts.toml"}, "accounts.toml"),
    ],
)
def test_a_wrong_setting_ends_the_start_with_one_line_and_code_2(
    refused_start: RefusedStart, module: str, changes: dict[str, str], named: str
) -> None:
    code, line = refused_start(module, {**ENVIRONMENTS[module], "PORT": str(free_port()), **changes})
    assert (2, True) == (code, named in line), line
    assert MASTER not in line


def test_a_port_that_is_taken_ends_the_start_with_code_1(refused_start: RefusedStart) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, line = refused_start("resource_server", {**ENVIRONMENTS["resource_server"], "PORT": str(port)})
    assert (1, True) == (code, f"127.0.0.1:{port}" in line), line


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with calling() as session:
        yield session


@pytest.fixture
def process() -> Iterator[ServerProcess]:
    with ServerProcess("resource", "resource_server", resource_environment(), free_port()).start() as process:
        process.wait_ready()
        yield process


async def test_a_stopping_server_takes_new_connections_for_a_second_and_tells_everyone_to_go(
    process: ServerProcess,
) -> None:
    process.ask_to_stop()
    told_at, served_until, answers = monotonic(), 0.0, []
    while True:
        try:
            answer = await spoken(process.url, b"GET /unguarded HTTP/1.1\r\nHost: x\r\n\r\n")
        except ConnectionRefusedError:
            break
        served_until = monotonic() - told_at
        answers.append(answer)
        await asyncio.sleep(0.02)
    assert {200} == {status_of(answer) for answer in answers}
    assert all(b"Connection: close\r\n" in answer for answer in answers[1:]), "but perhaps the first, sent together"
    assert 1.0 <= served_until < 3.0
    await until(lambda: not process.running)
    assert 0 == process.exit_code


async def test_a_stopping_server_says_that_it_is_not_ready(process: ServerProcess) -> None:
    process.ask_to_stop()
    await asyncio.sleep(0.2)
    ready, alive = [await spoken(process.url, request("GET", path)) for path in ("/readyz", "/livez")]
    assert (503, True) == (status_of(ready), b'"code":"draining"' in ready)
    assert 200 == status_of(alive)


async def test_a_connection_that_was_kept_is_answered_once_more_and_closed(process: ServerProcess) -> None:
    one = b"GET /unguarded HTTP/1.1\r\nHost: x\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", process.port)
    writer.write(one)
    assert b"Connection: close" not in await reader.readuntil(b"\r\n\r\n")
    await reader.readuntil(b"}")
    process.ask_to_stop()
    await asyncio.sleep(0.2)
    writer.write(one)
    last = await asyncio.wait_for(reader.read(), 5)
    assert (200, True) == (status_of(last), b"Connection: close" in last)
    writer.close()


async def test_a_request_under_way_is_finished(process: ServerProcess) -> None:
    head = request("POST", "/orders", "Content-Type: application/json", "Content-Length: 30")
    reader, writer = await asyncio.open_connection("127.0.0.1", process.port)
    writer.write(head)
    await asyncio.sleep(0.1)
    process.ask_to_stop()
    await asyncio.sleep(1.5)
    assert process.running, "it waits for what it has begun"
    writer.write(b'{"item":"pears", "quantity":3 }')
    answer = await asyncio.wait_for(reader.read(), 5)
    assert 401 == status_of(answer)
    writer.close()
    await until(lambda: not process.running)
    assert 0 == process.exit_code


async def test_a_request_of_which_a_half_was_sent_is_answered(process: ServerProcess) -> None:
    one = request("GET", "/unguarded")
    reader, writer = await asyncio.open_connection("127.0.0.1", process.port)
    writer.write(one[:20])
    await asyncio.sleep(0.1)
    process.ask_to_stop()
    await asyncio.sleep(2.2)
    writer.write(one[20:])
    answer = await asyncio.wait_for(reader.read(), 5)
    assert 200 == status_of(answer)
    writer.close()
    await until(lambda: not process.running)
    assert 0 == process.exit_code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_with_code_0_and_says_so(tmp_path: Path, number: signal.Signals) -> None:
    log = tmp_path / "log"
    environment = session_environment("memory-session")
    with ServerProcess("session", "session_server", environment, free_port(), output=log).start() as process:
        process.wait_ready()
        os.kill(process.pid, number)
        psutil.wait_procs([psutil.Process(process.pid)], timeout=5)
        assert 0 == process.exit_code
    assert ["server.started", "server.draining", "server.stopped"] == re.findall(r'"(server\.\w+)"', log.read_text())


def test_it_stops_with_code_0_although_nobody_reads_its_log() -> None:
    """With Python's buffers as they are outside of tests: its own for standard error is waited for at exit."""
    reads_again = threading.Event()

    def wait_to_read(_line: str) -> None:
        reads_again.wait(30)

    environment = {**resource_environment(), "PYTHONUNBUFFERED": ""}
    process = ServerProcess("plain", "resource_server", environment, free_port(), output=wait_to_read)
    with process.start():
        process.wait_ready()
        flood(process.port, [request_bytes("GET", "/me")] * 1000)
        process.ask_to_stop()
        psutil.wait_procs([psutil.Process(process.pid)], timeout=10)
        code = process.exit_code
        reads_again.set()
    assert 0 == code


@pytest.fixture
def fleet() -> Iterator[ServerProcess]:
    environment = resource_environment(WORKERS="2")
    with ServerProcess("fleet", "resource_server", environment, free_port()).start() as process:
        process.wait_ready()
        yield process


async def both_serve(process: ServerProcess) -> bool:
    """Tell whether two workers are there and listen for each other, which is the last step of a start."""
    return len(await asyncio.to_thread(serving_workers_of, process)) == 2


def serving_workers_of(process: ServerProcess) -> list[psutil.Process]:
    """Return the workers that listen for each other."""
    return [worker for worker in workers_of(process) if worker.net_connections("unix")]


def workers_of(process: ServerProcess) -> list[psutil.Process]:
    """Return the worker processes, whose command line says so."""
    found = []
    for child in psutil.Process(process.pid).children():
        try:
            if "--worker" in child.cmdline():
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


async def ask_anew(process: ServerProcess) -> int:
    """Ask over a new connection, which any worker may take."""
    return status_of(await spoken(process.url, request("GET", "/unguarded")))


async def test_several_workers_serve_together_and_their_metrics_are_summed(
    fleet: ServerProcess, session: ClientSession
) -> None:
    await until(lambda: both_serve(fleet))
    assert {200} == {await ask_anew(fleet) for _ in range(60)}
    caller = Caller(fleet.url, session)
    for _ in range(5):
        text = (await caller.get("/metrics")).body.decode()
        counts = re.findall(r'authlab_requests_total{.*route="/unguarded".*} (\d+)', text)
        assert 60 == sum(map(int, counts))


async def test_a_worker_that_dies_is_replaced_and_the_others_go_on(fleet: ServerProcess) -> None:
    await until(lambda: both_serve(fleet))
    victim, _ = await asyncio.to_thread(workers_of, fleet)
    os.kill(victim.pid, signal.SIGKILL)
    statuses = [await ask_anew(fleet) for _ in range(50)]
    assert statuses.count(200) >= 49, "at most what lay in the dead worker's hands is lost"
    await until(lambda: both_serve(fleet), within_s=10)
    assert {200} == {await ask_anew(fleet) for _ in range(20)}


async def test_a_fleet_drains_as_one(fleet: ServerProcess) -> None:
    await until(lambda: both_serve(fleet))
    workers = await asyncio.to_thread(workers_of, fleet)
    fleet.ask_to_stop()
    started = monotonic()
    while monotonic() - started < 1.0:
        assert 200 == await ask_anew(fleet)
        await asyncio.sleep(0.02)
    await until(lambda: not fleet.running)
    assert 0 == fleet.exit_code
    _, alive = await asyncio.to_thread(psutil.wait_procs, workers, timeout=5)
    assert [] == alive


async def test_workers_do_not_outlive_their_supervisor(fleet: ServerProcess) -> None:
    await until(lambda: both_serve(fleet))
    workers = await asyncio.to_thread(workers_of, fleet)
    os.kill(fleet.pid, signal.SIGKILL)

    _, alive = await asyncio.to_thread(psutil.wait_procs, workers, timeout=5)
    assert [] == alive


@pytest.mark.parametrize("strategy", ["denylisted-jwt", "pushed-jwt", "introspected-token", "plain-jwt"])
def test_a_fleet_whose_settings_are_wrong_is_refused_before_any_worker_starts(
    refused_start: RefusedStart, strategy: str
) -> None:
    environment = resource_environment(strategy, WORKERS="2", PORT=str(free_port()), RESOURCE_SHARED_SECRET="")
    code, line = refused_start("resource_server", environment)
    assert (2, True) == (code, " is missing" in line)
