import json
import os
import socket
import socketserver
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.fault_proxy_client import FaultProxy
from lab.processes import ProcessFailed, RedisProcess, free_port


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        connection: socket.socket = self.request
        try:
            while data := connection.recv(65536):
                connection.sendall(data)
        except ConnectionError:
            return


@pytest.fixture(scope="module")
def echo_port() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(scope="module")
def shared_proxy(echo_port: int) -> Iterator[FaultProxy]:
    with FaultProxy(echo_port) as proxy:
        yield proxy


@pytest.fixture
def proxy(shared_proxy: FaultProxy) -> Iterator[FaultProxy]:
    yield shared_proxy
    shared_proxy.heal()


def connect(proxy: FaultProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def receive(connection: socket.socket, length: int) -> bytes:
    received = b""
    while len(received) < length and (chunk := connection.recv(65536)):
        received += chunk
    return received


def exchange(connection: socket.socket, data: bytes) -> bytes:
    connection.sendall(data)
    return receive(connection, len(data))


def receive_until_reset(connection: socket.socket) -> bytes:
    received = b""
    try:
        while chunk := connection.recv(65536):
            received += chunk
    except ConnectionResetError:
        return received
    pytest.fail("the connection was closed, not reset")


def seconds_for_one(connection: socket.socket) -> float:
    began = time.perf_counter()
    assert exchange(connection, b"x") == b"x"
    return time.perf_counter() - began


def test_without_a_fault_it_only_forwards(proxy: FaultProxy) -> None:
    with connect(proxy) as connection:
        data = os.urandom(3_000_000)
        sender = threading.Thread(target=connection.sendall, args=(data,))
        sender.start()
        assert data == receive(connection, len(data))
        sender.join()


def test_the_end_of_a_stream_passes_and_the_answer_after_it_too(proxy: FaultProxy) -> None:
    with connect(proxy) as connection:
        connection.sendall(b"last words")
        connection.shutdown(socket.SHUT_WR)
        assert connection.makefile("rb").read() == b"last words"


@pytest.mark.parametrize(("to_server_ms", "to_client_ms"), [(30, 0), (0, 30), (20, 10)])
def test_a_delay_is_added_in_its_direction(proxy: FaultProxy, to_server_ms: float, to_client_ms: float) -> None:
    with connect(proxy) as connection:
        proxy.delay(to_server_ms=to_server_ms, to_client_ms=to_client_ms)
        assert 0.03 <= seconds_for_one(connection) < 0.2


def test_a_delay_below_a_millisecond_is_not_rounded_up(proxy: FaultProxy) -> None:
    with connect(proxy) as connection:
        proxy.delay(to_server_ms=0.2, to_client_ms=0.2)
        seconds = statistics.median(seconds_for_one(connection) for _ in range(101))
        assert 0.0004 <= seconds < 0.0015


def test_a_delay_does_not_limit_how_much_is_on_the_way(proxy: FaultProxy) -> None:
    with connect(proxy) as connection:
        proxy.delay(to_server_ms=50)
        began = time.perf_counter()
        for _ in range(20):
            connection.sendall(b"x")
            time.sleep(0.001)  # or the kernel would hand all to the proxy as one
        assert receive(connection, 20) == 20 * b"x"
        assert time.perf_counter() - began < 0.5


def test_bytes_keep_their_order_when_the_delay_shrinks(proxy: FaultProxy) -> None:
    with connect(proxy) as connection:
        proxy.delay(to_server_ms=100)
        connection.sendall(b"first ")
        time.sleep(0.01)  # or the kernel may hand both to the proxy as one
        proxy.delay(to_server_ms=0)
        connection.sendall(b"second")
        assert receive(connection, 12) == b"first second"


def test_refusing_resets_what_is_open_and_refuses_what_comes(proxy: FaultProxy) -> None:
    with connect(proxy) as connection:
        assert exchange(connection, b"x") == b"x"
        proxy.refuse()
        assert receive_until_reset(connection) == b""
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
    assert proxy.status()["fault"] == "refuse"
    proxy.heal()
    with connect(proxy) as connection:
        assert exchange(connection, b"x") == b"x"


def test_while_it_refuses_nobody_else_gets_the_port(proxy: FaultProxy) -> None:
    proxy.refuse()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", proxy.port))


def test_hanging_accepts_and_passes_nothing_until_it_is_healed(proxy: FaultProxy) -> None:
    with connect(proxy) as before:
        assert exchange(before, b"x") == b"x"
        proxy.hang()
        with connect(proxy) as during:
            for connection in (before, during):
                connection.sendall(b"late")
                connection.settimeout(0.1)
                with pytest.raises(TimeoutError):
                    connection.recv(1)
                connection.settimeout(5)
            proxy.heal()
            assert before.recv(10) == b"late"
            assert during.recv(10) == b"late"


def test_a_cut_resets_open_connections_once(proxy: FaultProxy) -> None:
    with connect(proxy) as connection:
        assert exchange(connection, b"x") == b"x"
        proxy.cut()
        assert receive_until_reset(connection) == b""
    with connect(proxy) as connection:
        assert exchange(connection, b"x") == b"x"


@pytest.mark.parametrize("to_client_ms", [0, 20])
def test_replies_are_cut_after_exactly_so_many_bytes(proxy: FaultProxy, to_client_ms: float) -> None:
    proxy.delay(to_client_ms=to_client_ms)
    proxy.cut_replies(after_bytes=3)
    with connect(proxy) as connection:
        connection.sendall(b"0123456789")
        assert receive_until_reset(connection) == b"012"


def test_every_fault_heals_by_itself(proxy: FaultProxy) -> None:
    proxy.refuse(for_s=0.1)
    proxy.delay(to_server_ms=5, for_s=0.1)
    assert 0 < proxy.status()["fault_heals_in_s"] <= 0.1
    deadline = time.monotonic() + 5
    while proxy.status()["fault"] != "none" or proxy.status()["to_server_ms"]:
        assert time.monotonic() < deadline
    with connect(proxy) as connection:
        assert exchange(connection, b"x") == b"x"


def test_by_default_a_fault_lasts_two_minutes(proxy: FaultProxy) -> None:
    proxy.hang()
    assert 119 < proxy.status()["fault_heals_in_s"] <= 120
    proxy.delay(to_server_ms=1, for_s=None)
    assert proxy.status()["delay_heals_in_s"] is None


def test_a_server_that_is_gone_looks_gone() -> None:
    with FaultProxy(free_port()) as proxy, connect(proxy) as connection:
        assert receive_until_reset(connection) == b""


def test_connections_are_counted_and_forgotten(proxy: FaultProxy) -> None:
    with connect(proxy) as connection:
        assert exchange(connection, b"x") == b"x"
        assert proxy.status()["connections"] == 1
    deadline = time.monotonic() + 5
    while proxy.status()["connections"]:
        assert time.monotonic() < deadline


@pytest.mark.parametrize(
    "line",
    [b"nonsense", b"[]", b'{"do": "explode"}', b'{"do": "hang", "for_s": -1}', b'{"do": "delay", "to_server_ms": "9"}'],
)
def test_a_bad_command_is_answered_and_changes_nothing(proxy: FaultProxy, line: bytes) -> None:
    with socket.create_connection(("127.0.0.1", proxy.control_port), timeout=5) as connection:
        connection.sendall(line + b"\n")
        assert json.loads(connection.makefile("rb").readline())["ok"] is False
    assert proxy.status()["fault"] == "none"


def test_a_browser_that_posts_to_the_control_port_changes_nothing(proxy: FaultProxy) -> None:
    """A page may send any body to any port; its request line ends the conversation before the body is read."""
    body = b'\n{"do": "refuse"}\n'
    with socket.create_connection(("127.0.0.1", proxy.control_port), timeout=5) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + body)
        answers = connection.makefile("rb").read()
    assert answers.count(b"\n") == 1
    assert proxy.status()["fault"] == "none"


def test_a_taken_port_is_said(echo_port: int) -> None:
    with pytest.raises(ProcessFailed, match="in use"):
        FaultProxy(echo_port, port=echo_port)


def test_it_stands_in_front_of_a_real_redis(tmp_path: Path) -> None:
    with RedisProcess.start(tmp_path) as redis, FaultProxy(redis.port) as proxy, connect(proxy) as connection:
        connection.sendall(b"PING\r\n")
        assert connection.recv(100) == b"+PONG\r\n"
