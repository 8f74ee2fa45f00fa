"""Somebody copies both stores, byte for byte (OAU-01, SES-02): nothing in them opens anything.

Everything is tried: each text in the dump, its parts, and the hashes in other encodings, as bearer token, opaque token,
cookie, CSRF token, refresh token and client secret.
"""

import base64
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any, cast

import pytest
from redis import Redis

from lab.processes import RedisProcess
from tests.attacks.system import Cookie, System
from tests.attacks.wire import Wire, bearer, call, request_bytes

FORM = ("Content-Type", "application/x-www-form-urlencoded")
WORD = re.compile(r"[A-Za-z0-9_.-]{8,}")
HEX = re.compile(r"[0-9a-f]{64}")


@contextmanager
def monitoring(redis: RedisProcess) -> Iterator[list[bytes]]:
    """Record every command that a store is sent, as one who sits on the wire would."""
    seen: list[bytes] = []
    with socket.create_connection(("127.0.0.1", redis.port)) as connection:
        connection.sendall(b"MONITOR\r\n")
        assert connection.recv(5) == b"+OK\r\n"

        def listen() -> None:
            with suppress(OSError):
                while chunk := connection.recv(65536):
                    seen.append(chunk)

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield seen
        time.sleep(0.1)
        connection.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def values_of(redis: Redis, name: bytes) -> Iterator[bytes]:
    read: dict[bytes, Callable[[], Any]] = {
        b"string": lambda: [redis.get(name)],
        b"hash": lambda: chain.from_iterable(cast("Any", redis.hgetall(name)).items()),
        b"set": lambda: redis.smembers(name),
        b"zset": lambda: redis.zrange(name, 0, -1),
        b"stream": lambda: chain.from_iterable(chain(*entry.items()) for _, entry in cast("Any", redis.xrange(name))),
    }
    yield from read[bytes(cast("Any", redis.type(name)))]()


class Loot:
    """Live secrets of a busy system, and everything that its stores hold and were told."""

    def __init__(self, system: System) -> None:
        with monitoring(system.redis_auth) as auth_wire, monitoring(system.redis_sessions) as session_wire:
            self.tokens = [system.log_in(name) for name in ("alice", "bob", "root")]
            self.opaque = system.log_in("root", token_format="opaque")
            self.refreshed = self._refresh(system, self.tokens[0]["refresh_token"])
            self.cookies = [
                system.log_in_by_cookie(strategy, "root") for strategy in ("redis-session", "tracked-session")
            ]
            for strategy, cookie in zip(("redis-session", "tracked-session"), self.cookies, strict=True):
                assert 200 == call(system.session(strategy).port, "GET", "/me", [cookie.header]).status
        self.wires = b"".join(auth_wire + session_wire)
        self.texts: set[str] = set()
        self.files = b""
        for process in (system.redis_auth, system.redis_sessions):
            with Redis.from_url(process.url) as redis:
                for name in redis.scan_iter():
                    self.texts |= {text.decode() for text in (name, *values_of(redis, name))}
                redis.save()
            self.files += (Path(process.directory) / "dump.rdb").read_bytes()

    @staticmethod
    def _refresh(system: System, token: str) -> dict[str, Any]:
        body = f"grant_type=refresh_token&client_id=authlab-web&refresh_token={token}".encode()
        return dict(call(system.auth().port, "POST", "/oauth/token", [FORM], body).json())

    @property
    def secrets(self) -> dict[str, str]:
        """Everything that a client holds and that opens something."""
        found = {f"access token {number}": login["access_token"] for number, login in enumerate(self.tokens)}
        found |= {f"refresh token {number}": login["refresh_token"] for number, login in enumerate(self.tokens)}
        found |= {"refreshed": self.refreshed["refresh_token"], "opaque": self.opaque["access_token"]}
        found |= {f"cookie {number}": cookie.value for number, cookie in enumerate(self.cookies)}
        return found | {f"CSRF token {number}": cookie.csrf for number, cookie in enumerate(self.cookies)}

    @property
    def candidates(self) -> list[str]:
        """Everything in the dump that might be worth a try."""
        words = {word for text in self.texts for word in (text, *WORD.findall(text), *text.split(":"), *text.split())}
        digests = {digest for text in self.texts for digest in HEX.findall(text)}
        for digest in digests:
            raw = bytes.fromhex(digest)
            words |= {
                base64.urlsafe_b64encode(raw).rstrip(b"=").decode(),
                base64.b64encode(raw).decode(),
                digest.upper(),
            }
        return sorted(word for word in words if word.isprintable() and word.isascii() and 8 <= len(word) <= 4000)


@pytest.fixture(scope="module")
def loot(own_system: System) -> Loot:
    own_system.resource("introspected-token").process.wait_ready(60)
    return Loot(own_system)


def test_no_live_secret_is_in_the_stores_in_their_files_or_on_their_wires(loot: Loot) -> None:
    everything = "\n".join(loot.texts).encode() + loot.files + loot.wires
    assert b"authlab:session:" in loot.wires
    assert b"authlab:login:" in loot.files
    found = [name for name, secret in loot.secrets.items() if secret.encode() in everything]
    found += [name for name, secret in loot.secrets.items() if secret.split(".")[-1].encode() in everything]
    assert [] == found


def test_no_password_is_either(loot: Loot) -> None:
    everything = "\n".join(loot.texts).encode() + loot.files + loot.wires
    assert b"demo-password" not in everything
    assert b"demo-service-secret" not in everything
    assert any("$argon2id$v=19$m=" in text for text in loot.texts)


def test_the_dump_does_hold_the_sessions_and_logins(loot: Loot) -> None:
    """Or there would be nothing to replay, and the tests here would show nothing."""
    assert len([text for text in loot.texts if text.startswith("authlab:session:")]) >= 2
    assert len([text for text in loot.texts if text.startswith("authlab:refresh:")]) >= 5
    assert len([text for text in loot.texts if text.startswith("authlab:opaque:")]) == 1
    assert len(loot.candidates) > 50


def successes(port: int, requests: dict[str, bytes]) -> list[str]:
    with Wire(port) as wire:
        return [name for name, request in requests.items() if wire.exchange(request).status < 300]


def test_no_text_of_the_dump_is_a_bearer_token(own_system: System, loot: Loot) -> None:
    requests = {word: request_bytes("GET", "/me", bearer(word)) for word in loot.candidates}
    assert [] == successes(own_system.resource("introspected-token").port, requests)
    requests = {word: request_bytes("GET", "/logins", bearer(word)) for word in loot.candidates}
    assert [] == successes(own_system.auth().port, requests)


@pytest.mark.parametrize("strategy", ["redis-session", "tracked-session"])
def test_no_text_of_the_dump_is_a_session(own_system: System, loot: Loot, strategy: str) -> None:
    name = loot.cookies[0].name
    requests = {word: request_bytes("GET", "/me", [("Cookie", f"{name}={word}")]) for word in loot.candidates}
    assert [] == successes(own_system.session(strategy).port, requests)


def test_no_text_of_the_dump_is_a_refresh_token_or_a_client_secret(own_system: System, loot: Loot) -> None:
    port = own_system.auth().port
    as_refresh_token = {
        word: request_bytes(
            "POST",
            "/oauth/token",
            [FORM],
            f"grant_type=refresh_token&client_id=authlab-web&refresh_token={word}".encode(),
        )
        for word in loot.candidates
    }
    assert [] == successes(port, as_refresh_token)
    as_client_secret = {
        word: request_bytes(
            "POST",
            "/oauth/token",
            [FORM],
            f"grant_type=client_credentials&client_id=demo-service&client_secret={word}".encode(),
        )
        for word in loot.candidates
    }
    assert [] == successes(port, as_client_secret)


def test_no_text_of_the_dump_is_a_csrf_token(own_system: System, loot: Loot) -> None:
    cookie: Cookie = loot.cookies[0]
    port = own_system.session("redis-session").port
    requests = {
        word: request_bytes("POST", "/logout", [cookie.header, ("X-CSRF-Token", word)], b"") for word in loot.candidates
    }
    assert [] == successes(port, requests)


def test_the_replays_disturbed_nobody(own_system: System, loot: Loot) -> None:
    """What was tried in vain must not have ended what is alive."""
    for strategy, cookie in zip(("redis-session", "tracked-session"), loot.cookies, strict=True):
        assert 200 == call(own_system.session(strategy).port, "GET", "/me", [cookie.header]).status
    opaque = bearer(loot.opaque["access_token"])
    assert 200 == call(own_system.resource("introspected-token").port, "GET", "/me", opaque).status
