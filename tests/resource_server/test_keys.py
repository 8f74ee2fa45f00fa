"""Where a resource server's keys come from, and how long they are trusted (KEY-04 to KEY-08, KEY-10).

tests/attacks has the key servers that lie; here are the times between which nothing is asked and nothing is believed.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from core.errors import Unavailable
from core.keys import KeyRing, audience_secret, secret_jwk, secret_ring
from core.settings import load
from core.strict_json import base64url_bytes
from resource_server.keys import MAX_REFRESH_S, UNKNOWN_KID_COOL_DOWN_S, PublishedKeys, SharedSecret, open_keys
from resource_server.settings import ResourceSettings
from tests.attacks.forge import b64, claims, signed
from tests.resource_server.stub import Stub, answers, stub
from tests.support.clock import Clock
from tests.support.environments import ISSUER, MASTER, resource_environment
from tests.support.patience import until
from tests.support.servers import Servers

PRIVATE = {kid: ec.generate_private_key(ec.SECP256R1()) for kid in ("old", "new")}


def jwks(*kids: str) -> bytes:
    members = [
        {**json.loads(ECAlgorithm.to_jwk(PRIVATE[kid].public_key())), "alg": "ES256", "use": "sig", "kid": kid}
        for kid in kids
    ]
    return json.dumps({"keys": members}).encode()


def kids(ring: KeyRing) -> list[str]:
    return [key.kid for key in ring]


def token(kid: str) -> str:
    return signed({"alg": "ES256", "typ": "at+jwt", "kid": kid}, claims(ISSUER), PRIVATE[kid], "ES256")


@asynccontextmanager
async def published(server: Stub, clock: Clock, max_stale_s: float = 86400) -> AsyncIterator[PublishedKeys]:
    async with aiohttp.ClientSession() as session:
        yield PublishedKeys(server.url, session, max_stale_s=max_stale_s, monotonic=clock)


async def slow(_request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(0.05)
    return web.Response(body=jwks("old"))


async def test_many_who_look_at_once_cause_one_fetch() -> None:
    async with stub(slow) as server, published(server, Clock()) as keys:
        assert [True] * 500 == await asyncio.gather(*(keys.look_for(f"made-up-{n}") for n in range(500)))
        assert 1 == server.asked


async def test_unknown_kids_cause_one_fetch_per_cool_down_and_no_waiting() -> None:
    """KEY-04: ten thousand made-up kids are no storm."""
    clock = Clock()
    async with stub(answers(jwks("old"))) as server, published(server, clock) as keys:
        assert await keys.look_for("first")
        looked = [await keys.look_for(f"made-up-{number}") for number in range(10_000)]
        assert ({False}, 1) == (set(looked), server.asked)
        clock.move(UNKNOWN_KID_COOL_DOWN_S + 0.1)
        assert await keys.look_for("again")
        assert not await keys.look_for("and again")
        assert 2 == server.asked


async def test_one_who_stops_waiting_does_not_stop_the_fetch_of_the_others() -> None:
    async with stub(slow) as server, published(server, Clock()) as keys:
        impatient, patient = [asyncio.create_task(keys.look_for(name)) for name in ("a", "b")]
        await asyncio.sleep(0.01)
        impatient.cancel()
        assert await patient
        assert (["old"], 1) == (kids(keys.ring()), server.asked)


async def test_a_server_without_keys_is_not_ready_and_refuses_to_decide() -> None:
    async with stub(answers(b"", 500)) as server, published(server, Clock()) as keys:
        assert not await keys.refresh()
        assert keys.not_ready() is not None
        with pytest.raises(Unavailable):
            keys.ring()


async def test_the_last_good_keys_serve_until_they_are_too_old() -> None:
    """KEY-05: an outage of the key server is none of ours, but a removed key must not be trusted for ever."""
    clock = Clock()
    async with stub(answers(jwks("old"))) as server, published(server, clock, max_stale_s=100) as keys:
        await keys.refresh()
        server.answer = answers(b"<html>", 502)
        for _ in range(9):
            clock.move(11)
            assert not await keys.refresh()
            assert ["old"] == kids(keys.ring())
        clock.move(2)
        with pytest.raises(Unavailable):
            keys.ring()
        assert keys.not_ready() is not None
        server.answer = answers(jwks("old"))
        assert await keys.refresh()
        assert ["old"] == kids(keys.ring())


@pytest.mark.parametrize(
    ("cache_control", "refresh_s"),
    [
        ("max-age=10", 10),
        ("public, max-age=10, must-revalidate", 10),
        ("Max-Age=10", 10),
        ("max-age=0", 1),
        ("max-age=86400", MAX_REFRESH_S),
        ("no-store", MAX_REFRESH_S),
        ("max-age=-5", MAX_REFRESH_S),
        ("max-age=ten", MAX_REFRESH_S),
        ("max-age=" + "9" * 400, MAX_REFRESH_S),
    ],
)
async def test_a_set_is_asked_for_again_at_its_max_age_and_at_least_every_half_minute(
    cache_control: str, refresh_s: float
) -> None:
    """KEY-08: a removed key is refused within that."""
    async with stub(answers(jwks("old"), Cache_Control=cache_control)) as server, published(server, Clock()) as keys:
        await keys.refresh()
        assert refresh_s == keys._refresh_s


async def test_a_key_that_stays_in_the_set_stays_the_same_object() -> None:
    async with stub(answers(jwks("old"))) as server, published(server, Clock()) as keys:
        await keys.refresh()
        before = keys.ring().get("old")
        server.answer = answers(jwks("old", "new"))
        await keys.refresh()
        assert keys.ring().get("old") is before


async def test_a_server_learns_a_new_key_when_a_token_names_it_and_forgets_a_removed_one(servers: Servers) -> None:
    async with stub(answers(jwks("old"), Cache_Control="max-age=1")) as server:
        resource = await servers.resource(RESOURCE_JWKS_URL=server.url)
        assert 200 == (await resource.get("/me", token=token("old"))).status
        server.answer = answers(jwks("old", "new"), Cache_Control="max-age=1")
        assert 200 == (await resource.get("/me", token=token("new"))).status, "at once: the kid was unknown"
        server.answer = answers(jwks("new"), Cache_Control="max-age=1")

        async def is_forgotten() -> bool:
            return (await resource.get("/me", token=token("old"))).status == 401

        assert await until(is_forgotten) < 3
        assert 200 == (await resource.get("/me", token=token("new"))).status


async def test_a_server_starts_without_its_key_server_and_gets_ready_by_itself(servers: Servers) -> None:
    async with stub(answers(b"", 503)) as server:
        resource = await servers.resource(RESOURCE_JWKS_URL=server.url)
        assert 503 == (await resource.get("/readyz")).status
        answer = await resource.get("/me", token=token("old"))
        assert (503, "unavailable") == (answer.status, answer.code), "not 401: nothing was decided"
        assert 200 == (await resource.get("/unguarded")).status
        server.answer = answers(jwks("old"))

        async def is_ready() -> bool:
            return (await resource.get("/readyz")).status == 200

        await until(is_ready)
        assert 200 == (await resource.get("/me", token=token("old"))).status


# --- a shared secret --------------------------------------------------------------------------------------------------


def secret_of(audience: str) -> bytes:
    return audience_secret(base64url_bytes(MASTER), audience)


def written(path: Path, *audiences: str) -> None:
    """Write a set of secrets as the auth server does: the file is replaced as a whole."""
    new = path.with_name("new")
    new.write_text(json.dumps({"keys": [secret_jwk(secret_of(audience)) for audience in audiences]}))
    new.chmod(0o600)
    new.replace(path)


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "secrets.json"
    written(path, "first")
    return path


def shared(path: Path) -> SharedSecret:
    return SharedSecret(secret_ring(path.read_text()), path)


async def look(keys: SharedSecret) -> bool:
    return await keys.look_for("any")


async def test_a_file_that_changes_is_read_again(secret_file: Path) -> None:
    keys = await asyncio.to_thread(shared, secret_file)
    assert not await look(keys)
    before = kids(keys.ring())
    assert [False] * 100 == await asyncio.gather(*(look(keys) for _ in range(100)))
    await asyncio.to_thread(written, secret_file, "first", "second")
    assert await look(keys)
    assert before == kids(keys.ring())[:1]
    assert 2 == len(keys.ring())
    await asyncio.to_thread(written, secret_file, "second")
    assert await look(keys)
    assert 1 == len(keys.ring())


@pytest.mark.parametrize("text", ["", "{", '{"keys": []}', "secret", "-----BEGIN PUBLIC KEY-----"])
async def test_a_broken_file_leaves_the_last_good_keys(secret_file: Path, text: str, logged: list[Any]) -> None:
    keys = await asyncio.to_thread(shared, secret_file)
    before = kids(keys.ring())

    def spoil() -> None:
        secret_file.write_text(text)

    await asyncio.to_thread(spoil)
    assert not await look(keys)
    assert before == kids(keys.ring())
    assert "keys.file_refused" in {event["event"] for event in logged}
    assert len(text) < 2 or text not in str(logged)
    await asyncio.to_thread(secret_file.unlink)
    assert not await look(keys)
    await asyncio.to_thread(written, secret_file, "second")
    assert await look(keys), "and a good one is taken again"


async def test_a_file_that_everyone_may_read_is_not_taken(secret_file: Path) -> None:
    keys = await asyncio.to_thread(shared, secret_file)
    before = kids(keys.ring())

    def open_up() -> None:
        written(secret_file, "second")
        secret_file.chmod(0o644)

    await asyncio.to_thread(open_up)
    assert not await look(keys)
    assert before == kids(keys.ring())


async def test_secrets_rotate_under_a_running_server_with_an_overlap(servers: Servers, secret_file: Path) -> None:
    """KEY-10: no restart, and whoever is first."""
    resource = await servers.resource(RESOURCE_SHARED_SECRET="", RESOURCE_SHARED_SECRET_FILE=str(secret_file))

    async def status(audience: str) -> int:
        secret = secret_of(audience)
        header = {"alg": "HS256", "typ": "at+jwt", "kid": secret_jwk(secret)["kid"]}
        return (await resource.get("/me", token=signed(header, claims(ISSUER), secret))).status

    assert [200, 401] == [await status("first"), await status("second")]
    await asyncio.to_thread(written, secret_file, "first", "second")
    assert [200, 200] == [await status("second"), await status("first")]
    await asyncio.to_thread(written, secret_file, "second")

    async def first_is_over() -> bool:
        return await status("first") == 401

    assert await until(first_is_over) < 1.5
    assert 200 == await status("second")


async def test_a_bare_secret_has_no_file_to_follow() -> None:
    secret = os.urandom(32)
    settings = await asyncio.to_thread(load, ResourceSettings, resource_environment(RESOURCE_SHARED_SECRET=b64(secret)))
    async with open_keys(settings) as keys:
        assert (None, False) == (keys.not_ready(), await keys.look_for("any"))
        assert [secret_jwk(secret)["kid"]] == kids(keys.ring())
