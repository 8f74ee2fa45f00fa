import json
from pathlib import Path

import pytest

from core.keys import public_ring
from tests.auth_server.member import log_in
from tests.support.environments import ISSUER
from tests.support.servers import Server, Servers

JWKS = "/.well-known/jwks.json"
METADATA = "/.well-known/oauth-authorization-server"


@pytest.fixture
async def auth(servers: Servers, redis_url: str, tmp_path: Path) -> Server:
    return await servers.auth(
        redis_url, AUTH_ALGORITHM="ES256", AUTH_KEYS_DIR=str(tmp_path / "keys"), AUTH_JWKS_MAX_AGE_S="120"
    )


async def test_the_key_set_is_one_that_our_own_verifiers_take(auth: Server) -> None:
    answer = await auth.get(JWKS)
    assert "application/json" == answer.headers["Content-Type"]
    (key,) = public_ring(answer.body)
    assert "ES256" == key.algorithm
    assert {"kty", "crv", "x", "y", "alg", "use", "kid"} == set(answer.json["keys"][0])


@pytest.mark.parametrize("path", [JWKS, METADATA])
async def test_it_may_be_cached_and_asked_for_again_cheaply(auth: Server, path: str) -> None:
    """KEY-07."""
    answer = await auth.get(path)
    assert "public, max-age=120" == answer.headers["Cache-Control"]
    again = await auth.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (304, b"") == (again.status, again.body)
    assert answer.headers["ETag"] == again.headers["ETag"]
    assert 200 == (await auth.get(path, headers={"If-None-Match": '"another"'})).status


async def test_a_rotation_changes_the_set_and_its_etag(auth: Server) -> None:
    before = await auth.get(JWKS)
    admin = await log_in(auth, "root")
    rotated = await auth.post("/admin/keys/rotate", token=admin.access)
    assert 201 == rotated.status
    after = await auth.get(JWKS, headers={"If-None-Match": before.headers["ETag"]})
    assert 200 == after.status
    kids = [key["kid"] for key in after.json["keys"]]
    assert (2, True) == (len(kids), rotated.json["kid"] in kids)
    assert before.headers["ETag"] != after.headers["ETag"]


async def test_a_shared_secret_publishes_nothing(servers: Servers, redis_url: str) -> None:
    answer = await (await servers.auth(redis_url)).get(JWKS)
    assert b'{"keys":[]}' == answer.body


async def test_the_metadata_says_what_there_is(auth: Server) -> None:
    """RFC 8414. KEY-11: the issuer is byte for byte the `iss` of the tokens, and there is no password grant."""
    body = (await auth.get(METADATA)).json
    assert {
        "issuer": ISSUER,
        "token_endpoint": f"{ISSUER}/oauth/token",
        "revocation_endpoint": f"{ISSUER}/oauth/revoke",
        "introspection_endpoint": f"{ISSUER}/oauth/introspect",
        "jwks_uri": f"{ISSUER}{JWKS}",
        "grant_types_supported": ["client_credentials", "refresh_token"],
        "response_types_supported": [],
    }.items() <= body.items()
    assert ["client_secret_basic", "client_secret_post", "none"] == body["token_endpoint_auth_methods_supported"]
    assert "none" not in body["introspection_endpoint_auth_methods_supported"]
    assert "password" not in json.dumps(body)


async def test_without_a_store_the_metadata_is_silent_about_what_needs_one(servers: Servers) -> None:
    body = (await (await servers.auth()).get(METADATA)).json
    assert ["client_credentials"] == body["grant_types_supported"]
    assert [] == [name for name in body if name.startswith(("revocation", "introspection"))]


async def test_addresses_come_from_the_settings_and_not_from_the_request(auth: Server) -> None:
    """HTTP-04: whoever sends a Host header does not decide where others send their secrets."""
    answer = await auth.get(METADATA, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
    assert (200, False) == (answer.status, b"evil" in answer.body)
