"""Bounded, and never in the way; tests/resource_server/test_token_cache_property.py holds it to its answers."""

import pytest

from core.access_token import VerifiedToken
from core.subject import Subject
from resource_server import token_cache
from resource_server.token_cache import TokenCache
from tests.resource_server.test_bearer import token as good_token
from tests.support.servers import Servers

SUBJECT = Subject("issuer", "alice", "Alice", (), (), 0.0)
VERIFIED = VerifiedToken(SUBJECT, "j", None, "client", "audience", 0.0, 0.0, 1.0, None)


def test_the_entry_not_used_for_longest_goes_first() -> None:
    cache = TokenCache(3)
    for name in ("a", "b", "c"):
        cache.put(name, VERIFIED)
    assert cache.get("a") is VERIFIED
    cache.put("d", VERIFIED)
    assert [True, False, True, True] == [cache.get(name) is not None for name in ("a", "b", "c", "d")]
    assert (3, 4, 1) == (len(cache), cache.hits, cache.misses)


def test_it_is_bounded_in_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_cache, "MAX_BYTES", 50_000)
    cache = TokenCache(1_000_000)
    for number in range(1000):
        cache.put(f"{number:04}" + "x" * 3496, VERIFIED)
    assert 10 == len(cache)
    for number in range(995, 1000):
        cache.put(f"{number:04}" + "x" * 3496, VERIFIED)
    assert 10 == len(cache), "an entry that is put again is not counted again"


async def test_no_token_that_was_refused_is_remembered(servers: Servers) -> None:
    server = await servers.resource()
    for number in range(50):
        await server.get("/me", token=f"nonsense-{number}")
        await server.get("/me", token=good_token(aud="billing-api"))
    await server.get("/me", token=(good := good_token()))
    await server.get("/me", token=good)
    text = (await server.get("/metrics")).body.decode()
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if line.startswith("authlab_token_cache"))
    assert ["1.0", "1.0"] == [values[f"authlab_token_cache_{name}"] for name in ("entries", "hits_total")]


async def test_it_can_be_switched_off(servers: Servers) -> None:
    server = await servers.resource(RESOURCE_TOKEN_CACHE="0")
    good = good_token()
    assert [200, 200] == [(await server.get("/me", token=good)).status for _ in range(2)]
    assert b"token_cache" not in (await server.get("/metrics")).body
