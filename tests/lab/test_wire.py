import socketserver
import threading
from collections.abc import Iterator

import pytest

from lab.wire import NoAnswer, exchange, send_json

ANSWER = (
    b'HTTP/1.1 401 Unauthorized\r\nContent-Type: application/problem+json\r\nX: one\r\nX: two\r\n\r\n{"code":"nope"}'
)


class Canned(socketserver.BaseRequestHandler):
    answer = ANSWER
    received: list[bytes]

    def handle(self) -> None:
        self.received.append(self.request.recv(65536))
        self.request.sendall(self.answer)


@pytest.fixture
def canned() -> Iterator[tuple[str, type[Canned]]]:
    handler = type("OneCanned", (Canned,), {"received": []})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", handler
        server.shutdown()


def test_what_is_kept_are_the_bytes_that_went_over_the_socket(canned: tuple[str, type[Canned]]) -> None:
    url, server = canned
    answer = exchange("GET", f"{url}/a?b=c", headers={"Cookie": "x=y"})
    assert [answer.request] == server.received
    assert answer.request.startswith(b"GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:")
    assert answer.answer == ANSWER


def test_an_answer_is_taken_apart(canned: tuple[str, type[Canned]]) -> None:
    answer = exchange("GET", canned[0])
    assert answer.status == 401
    assert answer.body == b'{"code":"nope"}'
    assert answer.code == "nope"
    assert [("X", "one"), ("X", "two")] == answer.headers[1:]
    assert answer.header("x") == "one"
    assert answer.header("absent") is None
    assert answer.seconds > 0


def test_json_is_sent_with_its_length_and_type(canned: tuple[str, type[Canned]]) -> None:
    request = send_json("PUT", canned[0], {"a": "ä"}).request
    assert b"\r\nContent-Type: application/json\r\n" in request
    assert b"\r\nContent-Length: 15\r\n" in request


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n"])
def test_what_is_not_http_is_said(canned: tuple[str, type[Canned]], answer: bytes) -> None:
    canned[1].answer = answer
    with pytest.raises(NoAnswer, match="did not answer in HTTP"):
        exchange("GET", canned[0])


def test_a_body_that_is_not_json_is_said(canned: tuple[str, type[Canned]]) -> None:
    canned[1].answer = b"HTTP/1.1 200 OK\r\n\r\nhello"
    answer = exchange("GET", canned[0])
    assert answer.code is None
    with pytest.raises(NoAnswer, match="answered 200 without JSON"):
        answer.json()


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "nonsense", "http://", "http://127.0.0.1:1/"])
def test_an_address_that_cannot_be_asked_is_said(url: str) -> None:
    with pytest.raises(NoAnswer):
        exchange("GET", url)
