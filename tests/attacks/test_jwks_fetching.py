"""A key server that lies, stalls or sends elsewhere (KEY-05, KEY-06).

CVE-2026-48522 followed file: URLs; GHSA-fhv5-28vv-h8m8 forgot all keys when one fetch failed.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from core.errors import Unavailable
from core.settings import SettingsError, load
from lab.processes import ServerProcess
from resource_server.keys import PublishedKeys
from resource_server.settings import ResourceSettings
from tests.attacks.forge import b64, claims, signed
from tests.attacks.impostor import Answering, Impostor, answering, in_pieces, without_end
from tests.attacks.key_sets import EVIL, GOOD, HONEST, as_set, jwk
from tests.attacks.system import Resource, System
from tests.attacks.test_jwks_poisoning import POISONS
from tests.attacks.verdicts import assert_accepted, assert_refused, present

ISSUER = "http://127.0.0.1:1"
EVIL_SET = as_set([jwk(EVIL, "evil"), HONEST])
ANSWERS: dict[str, Answering] = {
    "an error": answering(EVIL_SET, status="500 Internal Server Error"),
    "not found": answering(EVIL_SET, status="404 Not Found"),
    "no content": answering(b"", status="204 No Content"),
    "a slow drip": in_pieces(EVIL_SET, pause_s=0.1),
    "without end": without_end,
    "a broken answer": lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"),
    "no HTTP": lambda connection: connection.sendall(EVIL_SET),
    "silence": lambda _: time.sleep(4),
    "hanging up": lambda _: None,
    "64 KiB and one byte": answering(EVIL_SET.ljust(65537)),
}


@pytest.fixture
def impostor() -> Iterator[Impostor]:
    with Impostor(answering(as_set([HONEST]))) as impostor:
        yield impostor


@pytest.fixture
def elsewhere() -> Iterator[Impostor]:
    with Impostor(answering(EVIL_SET)) as impostor:
        yield impostor


@pytest.mark.parametrize("name", ANSWERS)
async def test_a_fetch_that_fails_leaves_the_last_good_keys(impostor: Impostor, name: str) -> None:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        keys = PublishedKeys(impostor.url, session, max_stale_s=60)
        assert await keys.refresh()
        impostor.answer = ANSWERS[name]
        assert not await keys.refresh()
        assert ["good"] == [key.kid for key in keys.ring()]
        impostor.answer = answering(as_set([HONEST, jwk(EVIL, "next")]))
        assert await keys.refresh()
        assert ["good", "next"] == [key.kid for key in keys.ring()]


async def test_a_good_answer_in_pieces_is_a_good_answer(impostor: Impostor) -> None:
    impostor.answer = in_pieces(as_set([HONEST]), pause_s=0.002)
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        assert await PublishedKeys(impostor.url, session, max_stale_s=60).refresh()


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "303 See Other", "308 Permanent Redirect"])
async def test_a_redirect_is_not_followed(impostor: Impostor, elsewhere: Impostor, status: str) -> None:
    impostor.answer = answering(b"", status=status, headers=f"Location: {elsewhere.url}")
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        assert not await PublishedKeys(impostor.url, session, max_stale_s=60).refresh()
    assert 0 == elsewhere.fetches


async def test_keys_that_cannot_be_confirmed_are_not_trusted_for_ever(impostor: Impostor) -> None:
    """Too old, they verify nothing any more: 503, because a removed key might be trusted otherwise."""
    now = 0.0
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        keys = PublishedKeys(impostor.url, session, max_stale_s=60, monotonic=lambda: now)
        assert await keys.refresh()
        impostor.answer = answering(b"", status="500 Internal Server Error")
        now = 59.0
        assert not await keys.refresh()
        assert 1 == len(keys.ring())
        now = 160.0
        with pytest.raises(Unavailable):
            keys.ring()


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://127.0.0.1/keys", "data:application/json,{}", "http://", "//127.0.0.1/", "keys.json"],
)
def test_only_http_urls_are_a_setting(url: str) -> None:
    with pytest.raises(SettingsError, match="RESOURCE_JWKS_URL"):
        load(ResourceSettings, {"RESOURCE_JWKS_URL": url})


def test_plain_http_to_elsewhere_is_no_setting() -> None:
    with pytest.raises(SettingsError, match="https"):
        load(ResourceSettings, {"RESOURCE_JWKS_URL": "http://auth.example/jwks.json"})


@pytest.fixture
def victim(system: System, impostor: Impostor) -> ServerProcess:
    process = system.start(
        "jwks-victim", "resource_server", {"RESOURCE_ISSUER": ISSUER, "RESOURCE_JWKS_URL": impostor.url}
    )
    process.wait_ready(60)
    return process


def token_of(key: object, kid: str) -> str:
    return signed({"alg": "Ed25519", "typ": "at+jwt", "kid": kid}, claims(ISSUER), key, "Ed25519")


def test_a_server_keeps_its_good_key_and_takes_no_evil_one(victim: ServerProcess, impostor: Impostor) -> None:
    server = [Resource("jwks-victim", "plain-jwt", victim)]
    good, evil = token_of(GOOD, "good"), token_of(EVIL, "evil")
    assert_accepted(server, good)
    for name in ("two keys of one kid", "a private key", "operations that are a number", "an alg that is a list"):
        impostor.answer = answering(as_set([*POISONS[name], jwk(EVIL, "evil")]))
        fetched = impostor.fetches
        while impostor.fetches == fetched:
            assert_accepted(server, good)
            assert_refused(server, {name: evil})
            time.sleep(0.02)
        assert_accepted(server, good)
        assert_refused(server, {name: evil})
    impostor.answer = answering(as_set([HONEST, jwk(EVIL, "evil")]))
    deadline = time.monotonic() + 5
    while present(server[0], evil).status != 200:
        assert time.monotonic() < deadline, "the set is good now, and nobody came to see"
        time.sleep(0.05)


def test_a_secret_file_that_is_broken_leaves_the_last_good_secret(system: System, tmp_path: Path) -> None:
    """The same for HS256, whose key set is a file."""
    kid, key = system.shared_key()
    path = tmp_path / "keys.json"
    good = system.audience_file().read_text()
    path.write_text(good)
    path.chmod(0o600)
    settings = system.resource_settings("plain-jwt") | {"RESOURCE_SHARED_SECRET_FILE": str(path)}
    process = system.start("file-victim", "resource_server", settings)
    process.wait_ready(60)
    server = [Resource("file-victim", "plain-jwt", process)]
    token = signed({"alg": "HS256", "typ": "at+jwt", "kid": kid}, claims(system.auth().url), key)
    weak = json.dumps({"keys": [{"kty": "oct", "alg": "HS256", "kid": "evil", "k": b64(b"secret")}]})
    header = {"alg": "HS256", "typ": "at+jwt", "kid": "evil"}
    for text in ("", "{", weak, '{"keys": []}', good.replace("oct", "RSA"), good[:-2]):
        path.write_text(text)
        time.sleep(0.6)
        assert_accepted(server, token)
        assert_refused(server, {text: signed(header, claims(system.auth().url), b"secret")})
