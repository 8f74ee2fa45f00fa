"""Text that would end a header of the answer and begin another one, or a body (CWE-113)."""

from urllib.parse import quote

import pytest

from lab.processes import ServerProcess
from tests.attacks.system import System
from tests.attacks.wire import Answer, Wire, bearer, call

SPLITS = (
    "x\r\nSet-Cookie: session=injected",
    "x\nSet-Cookie: session=injected",
    "x\rX-Injected: yes",
    "x\r\n\r\n<script>injected</script>",
    "\u560d\u560aX-Injected: yes",
    "x\u2028X-Injected: yes",
    "x\0X-Injected: yes",
)
OURS = {
    "allow", "cache-control", "clear-site-data", "connection", "content-length", "content-security-policy",
    "content-type", "date", "etag", "referrer-policy", "retry-after", "server", "server-timing", "set-cookie",
    "strict-transport-security", "www-authenticate", "x-content-type-options", "x-request-id",
}  # fmt: skip
FORM = ("Content-Type", "application/x-www-form-urlencoded")


@pytest.fixture(scope="module")
def servers(system: System) -> list[ServerProcess]:
    return [system.auth(), system.resources()[0].process, system.session("redis-session")]


def answers(system: System, server: ServerProcess, split: str) -> list[Answer]:
    """Put the text wherever it might come back in a header."""
    port, once, whole = server.port, quote(split), quote(split, safe="")
    cookie = system.log_in_by_cookie("redis-session", "root")
    admin = bearer(system.log_in("root")["access_token"])
    found = [
        call(port, "GET", f"/{once}"),
        call(port, "GET", f"/me?next={once}"),
        call(port, "POST", f"/livez/{once}", [], b""),
        call(port, "DELETE", f"/sessions/{whole}", cookie.headers),
        call(port, "DELETE", f"/logins/{whole}", admin),
        call(port, "POST", f"/admin/accounts/{whole}/end-sessions", cookie.headers, b""),
        call(port, "POST", f"/admin/keys/{whole}/retire", admin, b""),
        call(port, "POST", "/oauth/token", [FORM], f"grant_type={once}&client_id={once}&scope={once}".encode()),
        call(
            port, "POST", "/oauth/revoke", [FORM], f"client_id=authlab-web&token={once}&token_type_hint={once}".encode()
        ),
    ]
    for name in ("Origin", "X-Request-Id", "If-None-Match", "Authorization", "Cookie", "Authlab-Secret", "Expect"):
        with Wire(port) as wire:
            path = b"/.well-known/jwks.json" if name == "If-None-Match" else b"/me"
            head = b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n" + name.encode() + b": " + once.encode() + b"\r\n\r\n"
            found.append(wire.exchange(head))
    return found


@pytest.mark.parametrize("split", SPLITS)
def test_no_answer_has_a_header_or_a_body_that_a_client_made(
    system: System, servers: list[ServerProcess], split: str
) -> None:
    for server in servers:
        for answer in answers(system, server, split):
            assert {name.lower() for name, _ in answer.headers} <= OURS, answer
            assert "injected" not in answer.text.lower(), answer
            assert len(answer.all("Set-Cookie")) <= 1


def test_a_request_id_is_ours(servers: list[ServerProcess]) -> None:
    """A client's own would let it choose what the log says."""
    for server in servers:
        answer = call(server.port, "GET", "/livez", [("X-Request-Id", "injected")])
        assert "injected" not in str(answer.header("X-Request-Id"))
