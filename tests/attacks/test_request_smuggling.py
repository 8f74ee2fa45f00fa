"""A request that two servers would cut into different requests (HTTP-01, HTTP-04): one answer, 400, and the end.

aiohttp was warned of several of these (CVE-2023-37276, CVE-2023-47627, and later ones); its C parser must be in place.
"""

from importlib.util import find_spec

import aiohttp
import pytest

from lab.processes import ServerProcess
from tests.attacks.system import System
from tests.attacks.wire import Wire

REFUSED = b'{"type":"about:blank","title":"The request cannot be understood","status":400,"code":"bad_request"}'
SMUGGLED = b"GET /unguarded HTTP/1.1\r\nHost: x\r\n\r\n"


def post(*lines: bytes, body: bytes = b"") -> bytes:
    head = (b"POST /login HTTP/1.1", b"Host: x", b"Content-Type: application/json", *lines)
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def get(*lines: bytes) -> bytes:
    return b"\r\n".join((b"GET /unguarded HTTP/1.1", b"Host: x", *lines)) + b"\r\n\r\n"


CHUNKED = b"Transfer-Encoding: chunked"
LENGTHS = {
    "length and chunks": post(b"Content-Length: 4", CHUNKED, body=b"0\r\n\r\n" + SMUGGLED),
    "chunks and length": post(CHUNKED, b"Content-Length: 4", body=b"0\r\n\r\n" + SMUGGLED),
    "two equal lengths": post(b"Content-Length: 2", b"Content-Length: 2", body=b"{}"),
    "two lengths": post(b"Content-Length: 0", b"Content-Length: 36", body=SMUGGLED),
    "a list of lengths": post(b"Content-Length: 2, 2", body=b"{}"),
    "a signed length": post(b"Content-Length: +5", body=b"{   }"),
    "a negative length": post(b"Content-Length: -1", body=b"{}"),
    "a hexadecimal length": post(b"Content-Length: 0x2", body=b"{}"),
    "a length with an underscore": post(b"Content-Length: 1_0", body=b"{        }"),
    "a length in Arabic digits": post("Content-Length: \u0662".encode(), body=b"{}"),
    "a length with a fraction": post(b"Content-Length: 2.0", body=b"{}"),
    "an empty length": post(b"Content-Length:", body=SMUGGLED),
    "a length beyond numbers": post(b"Content-Length: 99999999999999999999999", body=b"{}"),
    "a space before the colon": post(b"Content-Length : 36", body=SMUGGLED),
}
ENCODINGS = {
    "another coding": post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
    "chunked twice": post(b"Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"),
    "chunked and then identity": post(b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"),
    "two coding headers": post(CHUNKED, b"Transfer-Encoding: identity", body=b"0\r\n\r\n"),
    "a space before the colon": post(b"Transfer-Encoding : chunked", body=b"0\r\n\r\n"),
    "a vertical tab before the coding": post(b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"),
    "a Unicode letter in the coding": post(
        "Transfer-Encoding: chunKed".replace("K", "\u212a").encode(), body=b"0\r\n\r\n"
    ),
    "quoted": post(b'Transfer-Encoding: "chunked"', body=b"0\r\n\r\n"),
    "a chunk size that is none": post(CHUNKED, body=b"zz\r\n\r\n"),
    "a signed chunk size": post(CHUNKED, body=b"+2\r\n{}\r\n0\r\n\r\n"),
    "a chunk size with 0x": post(CHUNKED, body=b"0x2\r\n{}\r\n0\r\n\r\n"),
    "a chunk size beyond numbers": post(CHUNKED, body=b"fffffffffffffffff\r\n{}\r\n0\r\n\r\n"),
    "a chunk that is too long": post(CHUNKED, body=b"2\r\n{}x\r\n0\r\n\r\n"),
    "a bare line feed in a chunk extension": post(CHUNKED, body=b'2;a="\n"\r\n{}\r\n0\r\n\r\n'),
    "chunks with bare line feeds": post(CHUNKED, body=b"2\n{}\n0\n\n"),
    "a length in the trailer": post(CHUNKED, body=b"2\r\n{}\r\n0\r\nContent-Length: 36\r\n\r\n" + SMUGGLED),
}
LINES = {
    "bare line feeds": get().replace(b"\r\n", b"\n"),
    "one bare line feed": get(b"A: b\nX-Smuggled: yes"),
    "a bare carriage return": get(b"A: b\rX-Smuggled: yes"),
    "a folded line": get(b"A: b", b" c"),
    "a folded line with a tab": get(b"A: b", b"\tc"),
    "a folded first line": b"GET /unguarded HTTP/1.1\r\n Host: x\r\nHost: x\r\n\r\n",
    "a space in a name": get(b"A b: c"),
    "no name": get(b": c"),
    "no colon": get(b"A"),
    "a NUL in a value": get(b"A: b\0c"),
    "a NUL in a name": get(b"A\0: b"),
    "a control character in a value": get(b"A: b\x01c"),
    "a name beyond ASCII": get("Ä: b".encode()),
    "two hosts": get(b"Host: y"),
    "no host": b"GET /unguarded HTTP/1.1\r\n\r\n",
    "an underscored method": b"G@T /unguarded HTTP/1.1\r\nHost: x\r\n\r\n",
    "a small method": b"get /unguarded HTTP/1.1\r\nHost: x\r\n\r\n",
    "HTTP/1.2": b"GET /unguarded HTTP/1.2\r\nHost: x\r\n\r\n",
    "HTTP/3": b"GET /unguarded HTTP/3.0\r\nHost: x\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a TLS hello": bytes.fromhex("160301020001000001fc0303") + bytes(64),
    "a control character in the path": b"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
    "bytes in the path": b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    "two duplicate content types": post(b"Content-Type: text/plain", b"Content-Length: 2", body=b"{}"),
}
VECTORS = {
    f"{group}: {name}": data
    for group, vectors in (("length", LENGTHS), ("coding", ENCODINGS), ("line", LINES))
    for name, data in vectors.items()
}


@pytest.fixture(scope="module")
def servers(system: System) -> list[ServerProcess]:
    return [system.auth(), system.resources()[0].process, system.session("redis-session")]


def test_aiohttp_has_its_c_parser() -> None:
    """The parser in Python is more lenient, and slower."""
    assert find_spec("aiohttp._http_parser") is not None
    assert tuple(map(int, aiohttp.__version__.split(".")[:2])) >= (3, 14)


@pytest.mark.parametrize("name", VECTORS)
def test_an_ambiguous_request_gets_one_fixed_answer_and_the_connection_ends(
    servers: list[ServerProcess], name: str
) -> None:
    for server in servers:
        with Wire(server.port) as wire:
            wire.send(VECTORS[name])
            answers = wire.rest()
        assert 1 == answers.count(b"HTTP/1.1 "), (server.name, answers)
        assert answers.startswith(b"HTTP/1.1 400 Bad Request\r\n"), (server.name, answers)
        assert answers.endswith(b"\r\n\r\n" + REFUSED), (server.name, answers)


def test_the_same_requests_without_the_ambiguity_are_served(servers: list[ServerProcess]) -> None:
    resource = servers[1]
    with Wire(resource.port) as wire:
        assert 200 == wire.exchange(get()).status
        assert 200 == wire.exchange(get(b"A: b c")).status
        for lines, body in (((b"Content-Length: 2",), b"{}"), ((CHUNKED,), b"2\r\n{}\r\n0\r\n\r\n")):
            assert 404 == wire.exchange(post(*lines, body=body)).status


def test_an_unread_body_never_becomes_the_next_request(servers: list[ServerProcess]) -> None:
    """A handler that answers without reading the body leaves it to be drained, not to be parsed."""
    for server in servers:
        for path in (b"/nothing-here", b"/livez", b"/me", b"/oauth/token"):
            head = b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(SMUGGLED)
            with Wire(server.port) as wire:
                wire.send(head + SMUGGLED + b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                answers = wire.rest()
            assert 2 == answers.count(b"HTTP/1.1 "), (server.name, answers)
            assert answers.endswith(b'{"status":"alive"}')


def test_an_answer_to_head_has_no_body(servers: list[ServerProcess]) -> None:
    """A body after the answer to HEAD would be read as the beginning of the next answer."""
    for server in servers:
        for path in (b"/me", b"/login", b"/livez", b"/nothing-here"):
            with Wire(server.port) as wire:
                wire.send(b"HEAD " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
                wire.send(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                first, rest = wire.rest().split(b"\r\n\r\n", 1)
            assert first.split()[1] in {b"401", b"404", b"405"}
            assert rest.startswith(b"HTTP/1.1 200 OK\r\n"), (server.name, rest)


def test_requests_in_one_packet_are_answered_in_order(servers: list[ServerProcess]) -> None:
    with Wire(servers[1].port) as wire:
        wire.send(get() * 20 + get(b"Connection: close"))
        assert 21 == wire.rest().count(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize(
    "target",
    [b"http://evil.example/me", b"https://evil.example:443/me", b"http://evil.example@x/me", b"//evil.example/me"],
)
def test_the_host_that_a_request_names_is_never_believed(servers: list[ServerProcess], target: bytes) -> None:
    """HTTP-04: neither an absolute target nor a Host header comes back in any answer."""
    for server in servers:
        for host in (b"x", b"evil.example"):
            with Wire(server.port) as wire:
                answer = wire.exchange(b"GET " + target + b" HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
            assert answer.status in {401, 404}
            assert "evil" not in answer.text


@pytest.mark.parametrize("path", ["/.well-known/oauth-authorization-server", "/.well-known/jwks.json", "/openapi.json"])
def test_the_metadata_names_the_issuer_of_the_settings_whatever_the_host(system: System, path: str) -> None:
    with Wire(system.auth().port) as wire:
        first = wire.exchange(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        forged = f"GET {path} HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\n\r\n"
        assert first.body == wire.exchange(forged.encode()).body


@pytest.mark.parametrize("upgrade", ["websocket", "h2c", "TLS/1.2", "evil"])
def test_no_upgrade_is_granted_and_what_follows_is_a_request(servers: list[ServerProcess], upgrade: str) -> None:
    for server in servers:
        request = f"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: {upgrade}\r\n\r\n".encode()
        with Wire(server.port) as wire:
            assert 200 == wire.exchange(request).status
            assert 200 == wire.exchange(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").status


@pytest.mark.parametrize(
    "request_line",
    [b"CONNECT x:80 HTTP/1.1", b"OPTIONS * HTTP/1.1", b"GET /%0d%0aSet-Cookie:%20a=b HTTP/1.1", b"TRACE /me HTTP/1.1"],
)
def test_odd_targets_are_refused_in_our_own_words(servers: list[ServerProcess], request_line: bytes) -> None:
    """What aiohttp answers by itself would name its version and leave our headers out."""
    for server in servers:
        with Wire(server.port) as wire:
            answer = wire.exchange(request_line + b"\r\nHost: x\r\n\r\n")
        assert answer.status in {404, 405}, answer
        assert "authlab" == answer.header("Server")
        assert "application/problem+json" == answer.header("Content-Type")


def test_an_expectation_is_refused_and_not_repeated(servers: list[ServerProcess]) -> None:
    for server in servers:
        with Wire(server.port) as wire:
            answer = wire.exchange(post(b"Content-Length: 0", b"Expect: canary-of-an-expectation"))
        assert (400, REFUSED) == (answer.status, answer.body)
        assert "canary" not in answer.text
