"""The generator's two loops against servers that behave badly on purpose."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.generator.client import Generators
from bench.generator.corpus import Corpus, prepare_request
from bench.generator.messages import Outcome, Prepare, RunClosed, RunOpen
from bench.generator.station import Station

Answer = Callable[[bytes], bytes | None]


def response(body: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


@contextmanager
def serving(answer: Answer) -> Iterator[tuple[str, int]]:
    """Serve with one thread per connection; `None` hangs up instead of answering."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection:
            while request := connection.recv(4096):
                reply = answer(request)
                if reply is None:
                    return
                connection.sendall(reply)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.json"
    Corpus(tuple(prepare_request("h", "/me", {}, f"user-{number}") for number in range(4))).write(path)
    return path


@contextmanager
def station(corpus: Path, address: tuple[str, int], connections: int) -> Iterator[Station]:
    order = Prepare(arm="x", corpus=corpus, addresses=(address,), connections=connections, seed=1, warm_up_s=0)
    opened = Station(order)
    opened.prepare(order)
    try:
        yield opened
    finally:
        opened.close()


def run_closed(corpus: Path, answer: Answer, connections: int = 2) -> Outcome:
    with serving(answer) as address, station(corpus, address, connections) as opened:
        return opened.run(RunClosed(seed=1, duration_s=0.2))


def test_a_closed_loop_counts_what_it_asked_and_got(corpus: Path) -> None:
    outcome = run_closed(corpus, lambda _: response(b"{}"))
    assert outcome.asked == outcome.sent == outcome.answered == outcome.ok == outcome.latency.total
    assert outcome.ok > 100
    assert 0 == outcome.failed


def test_a_refusal_is_a_failure_and_has_no_latency(corpus: Path) -> None:
    outcome = run_closed(corpus, lambda _: response(b"{}", b"401 Unauthorized"))
    assert {"401": outcome.answered} == outcome.outcomes
    assert outcome.failed == outcome.answered
    assert 0 == outcome.latency.total


def test_an_answer_about_somebody_else_is_seen(corpus: Path) -> None:
    outcome = run_closed(corpus, lambda _: response(b'{"sub":"mallory"}'))
    assert outcome.sampled > 0
    assert outcome.sampled == outcome.wrong_subjects


def test_an_answer_in_two_pieces_is_one_answer(corpus: Path) -> None:
    whole = response(b'{"pad":"' + b"x" * 40_000 + b'"}')
    outcome = run_closed(corpus, lambda _: whole)
    assert outcome.answered > 10
    assert outcome.answered * len(whole) == outcome.bytes_down


def test_a_server_that_hangs_up_is_a_failure_and_does_not_stop_the_loop(corpus: Path) -> None:
    outcome = run_closed(corpus, lambda _: None)
    assert outcome.outcomes["broken"] > 2
    assert 0 == outcome.ok


@pytest.mark.parametrize("connections", [2, 8])
def test_a_warm_up_serves_every_caller_before_and_after(tmp_path: Path, connections: int) -> None:
    asked: list[bytes] = []

    def note(request: bytes) -> bytes:
        asked.append(request)
        return response(b"{}")

    corpus = tmp_path / "corpus.json"
    Corpus(tuple(prepare_request("h", f"/{number}", {}, None) for number in range(4))).write(corpus)
    with serving(note) as address, station(corpus, address, connections) as opened:
        opened.prepare(
            Prepare(arm="x", corpus=corpus, addresses=(address,), connections=connections, seed=1, warm_up_s=0.05)
        )
    assert len(asked) > 20
    assert 4 == len(set(asked[:4])) == len(set(asked[-4:]))


def test_an_open_loop_sends_what_was_asked_whatever_the_server_does(corpus: Path) -> None:
    with serving(lambda _: response(b"{}")) as address, station(corpus, address, 8) as opened:
        outcome = opened.run(RunOpen(seed=1, duration_s=0.5, rate=400))
    assert 150 < outcome.asked < 250
    assert outcome.asked == outcome.sent == outcome.ok


def test_a_stall_is_in_the_latency_of_every_request_that_it_delayed(corpus: Path) -> None:
    """A closed loop would show one slow request here; callers who arrive on their own would all have waited."""
    stalled = threading.Event()

    def stall_once(_: bytes) -> bytes:
        if not stalled.is_set():
            stalled.set()
            time.sleep(0.3)
        return response(b"{}")

    with serving(stall_once) as address, station(corpus, address, 1) as opened:
        outcome = opened.run(RunOpen(seed=1, duration_s=0.5, rate=200))
    assert outcome.latency.percentile_us(50) > 50_000
    assert outcome.service.percentile_us(50) < 20_000
    assert outcome.latency.max_us() > 290_000


def test_the_wait_for_a_slow_server_is_not_called_slip(corpus: Path) -> None:
    def slow(_: bytes) -> bytes:
        time.sleep(0.02)
        return response(b"{}")

    with serving(slow) as address, station(corpus, address, 1) as opened:
        outcome = opened.run(RunOpen(seed=1, duration_s=0.5, rate=200))
    assert outcome.sent < outcome.asked
    assert outcome.slip.percentile_us(50) < 5_000


def test_a_request_without_an_answer_times_out_under_the_tenth_of_a_second_in_which_it_left(corpus: Path) -> None:
    def hang(_: bytes) -> bytes:
        time.sleep(3)
        return b""

    with serving(hang) as address, station(corpus, address, 4) as opened:
        outcome = opened.run(RunOpen(seed=1, duration_s=0.3, rate=20, timeout_s=0.2))
    assert outcome.asked == outcome.outcomes["timeout"] == outcome.failed
    assert {tenth for tenth, _, _ in outcome.timeline} <= {0, 1, 2}


def test_a_server_that_is_gone_is_refused_not_waited_for(corpus: Path) -> None:
    with serving(lambda _: response(b"{}")) as address, station(corpus, address, 2) as opened:
        opened.close()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            gone = taken.getsockname()
    order = Prepare(arm="x", corpus=corpus, addresses=(gone,), connections=2, seed=1, warm_up_s=0)
    outcome = Station(order).run(RunOpen(seed=1, duration_s=0.3, rate=50))
    assert address != gone
    assert {"refused": outcome.asked} == outcome.outcomes


def test_several_processes_share_the_work_and_answer_as_one(corpus: Path) -> None:
    with serving(lambda _: response(b"{}")) as address, Generators(2) as generators:
        generators.prepare("x", corpus, [address], connections=3, seed=1, warm_up_s=0)
        outcome = generators.open(seed=1, duration_s=0.5, rate=200)
    assert 60 < outcome.asked < 140
    assert outcome.asked == outcome.ok == outcome.latency.total
    assert 0 < outcome.generator_cpu_s < 0.5
