"""A peer that accepts what it must refuse is found out before anything is measured; the real ones refuse it."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jwt
import pytest

from bench.arms import Arm
from bench.callers import Caller
from bench.cores import Placement
from bench.peers.arms import PEER_ARMS, choose
from bench.peers.catalog import BY_NAME
from bench.peers.installation import missing
from bench.peers.proofs import prove_expiry, prove_logout, prove_peers
from bench.plan import QUICK
from bench.progress import Silent
from bench.proofs import NotRight
from bench.run import Recorder, Run
from bench.stage import Staged

SECRET = bytes(range(32))


class Gullible(BaseHTTPRequestHandler):
    """Answers 200 to whoever comes."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def do_POST(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def arm_named(name: str) -> Arm:
    return next(arm for arm in PEER_ARMS if arm.name == name)


@pytest.fixture
def gullible() -> Iterator[Staged]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gullible)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    header = {"typ": "at+jwt", "kid": "a"}
    token = jwt.encode({"sub": "u0000", "iat": 1, "exp": 2}, SECRET, "HS256", headers=header)
    caller = Caller("u0000", {"Authorization": f"Bearer {token}"}, {})
    host, port = str(server.server_address[0]), int(server.server_address[1])
    yield Staged(arm_named("peer-fastify-jwt"), ((host, port),), Path("none"), (caller,), ())
    server.shutdown()
    server.server_close()


def test_a_peer_that_takes_an_expired_token_is_found_out(gullible: Staged) -> None:
    with pytest.raises(NotRight, match="peer-fastify-jwt: a token that expired after it was accepted got 200, not 401"):
        prove_expiry([gullible], SECRET, life_s=0)


def test_a_peer_that_takes_an_ended_session_is_found_out(gullible: Staged) -> None:
    by_session = replace(gullible, arm=arm_named("peer-fastify-redis"))
    with pytest.raises(NotRight, match="peer-fastify-redis: a session that ended got 200, not 401"):
        prove_logout(by_session)


def test_every_peer_that_is_installed_refuses_the_forged_the_expired_and_the_ended(tmp_path: Path) -> None:
    installed = tuple(name for name, peer in BY_NAME.items() if missing(peer.runtime) is None)
    if not installed:
        pytest.skip("no peer is installed: python -m bench peers --install")
    run = Run(QUICK, choose(installed), 7, Placement((), ()), Silent(), Recorder({}), workplace=tmp_path)
    prove_peers(run)
