import asyncio
import json
import time
from typing import Any

import pytest
from aiohttp import web

from core.settings import SettingsError, load
from resource_server.settings import ResourceSettings
from resource_server.strategies.introspected_token import IntrospectedToken
from tests.attacks.forge import claims
from tests.resource_server.stub import Answering, answers, stub
from tests.support.environments import CLIENTS, ISSUER, resource_environment
from tests.support.servers import Server, Servers

OPAQUE = "A" * 43


def introspecting(url: str) -> dict[str, str]:
    return {
        "RESOURCE_INTROSPECTION_URL": url,
        "RESOURCE_CLIENT_ID": "demo-resource",
        "RESOURCE_CLIENT_SECRET": CLIENTS["demo-resource"],
    }


def active(**changes: Any) -> bytes:
    return json.dumps({"active": True, **claims(ISSUER, **changes)}).encode()


async def start(servers: Servers, url: str) -> Server:
    return await servers.resource("introspected-token", **introspecting(url))


async def test_jwts_and_opaque_tokens_are_taken_and_refresh_tokens_never(servers: Servers, redis_url: str) -> None:
    auth = await servers.auth(redis_url)
    resource = await start(servers, f"{auth.url}/oauth/introspect")
    for token_format in ("jwt", "opaque"):
        body = (await auth.login(token_format=token_format)).json
        answer = await resource.get("/me", token=body["access_token"])
        assert (200, "alice", "Alice", "introspected-token") == (
            answer.status, answer.json["sub"], answer.json["name"], answer.json["strategy"]
        )  # fmt: skip
        assert 401 == (await resource.get("/me", token=body["refresh_token"])).status
        assert 204 == (await auth.post("/logout", token=body["access_token"])).status
        assert 401 == (await resource.get("/me", token=body["access_token"])).status


async def test_a_token_for_another_audience_is_refused_although_it_is_active(servers: Servers, redis_url: str) -> None:
    auth = await servers.auth(redis_url)
    resource = await start(servers, f"{auth.url}/oauth/introspect")
    for token_format in ("jwt", "opaque"):
        token = (await auth.login(audience="billing-api", token_format=token_format)).json["access_token"]
        assert 401 == (await resource.get("/me", token=token)).status


async def test_each_request_is_one_question_over_a_kept_connection(servers: Servers) -> None:
    async with stub(answers(active(), Content_Type="application/json")) as auth:
        resource = await start(servers, auth.url)
        for _ in range(20):
            assert 200 == (await resource.get("/me", token=OPAQUE)).status
        assert (20, 1) == (auth.asked, len(auth.connections))


async def test_the_question_is_a_form_from_a_client_with_a_secret(servers: Servers) -> None:
    seen: list[tuple[str, str, str]] = []

    async def look(request: web.Request) -> web.StreamResponse:
        seen.append((request.headers["Authorization"], request.content_type, await request.text()))
        return web.Response(body=active())

    async with stub(look) as auth:
        resource = await start(servers, auth.url)
        await resource.get("/me", token=OPAQUE)
    ((authorization, content_type, body),) = seen
    assert authorization.startswith("Basic ")
    assert ("application/x-www-form-urlencoded", f"token={OPAQUE}") == (content_type, body)


INACTIVE = {
    "inactive": b'{"active":false}',
    "active as text": b'{"active":"true"}',
    "active as a number": b'{"active":1}',
    "not a word about it": b"{}",
    "active without claims": b'{"active":true}',
    "another issuer": active(iss="http://evil.example"),
    "another audience": active(aud="billing-api"),
    "expired": active(iat=time.time() - 100, exp=time.time() - 1),
    "no subject": active(sub=None),
    "roles of a wrong type": active(roles="admin"),
}


@pytest.mark.parametrize("name", INACTIVE)
async def test_an_answer_that_does_not_say_yes_is_a_no(servers: Servers, name: str) -> None:
    async with stub(answers(INACTIVE[name])) as auth:
        resource = await start(servers, auth.url)
        answer = await resource.get("/me", token=OPAQUE)
        assert (401, "invalid_credential") == (answer.status, answer.code)


UNCLEAR: dict[str, Answering] = {
    "an error": answers(b"{}", 500),
    "its store is away": answers(b'{"error":"temporarily_unavailable"}', 503),
    "it does not know us": answers(b'{"error":"invalid_client"}', 401),
    "a redirect": answers(b"", 302, Location="http://127.0.0.1:9/"),
    "a page": answers(b"<html>"),
    "nothing": answers(b""),
    "two meanings": answers(b'{"active":false,"active":true}'),
    "a list": answers(b"[]"),
    "too much": answers(b" " * 20_000 + b"{}"),
}


@pytest.mark.parametrize("name", UNCLEAR)
async def test_an_answer_that_decides_nothing_is_503_and_never_401(servers: Servers, name: str) -> None:
    async with stub(UNCLEAR[name]) as auth:
        resource = await start(servers, auth.url)
        answer = await resource.get("/me", token=OPAQUE)
        assert (503, "unavailable") == (answer.status, answer.code)
        assert int(answer.headers["Retry-After"]) >= 1


async def test_an_answer_in_pieces_is_read_whole(servers: Servers) -> None:
    body = active()

    async def in_pieces(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in (body[:7], body[7:50], body[50:]):
            await response.write(piece)
            await asyncio.sleep(0.02)
        return response

    async with stub(in_pieces) as auth:
        resource = await start(servers, auth.url)
        assert 200 == (await resource.get("/me", token=OPAQUE)).status


async def test_an_auth_server_that_is_slow_or_gone_is_503_within_its_deadline(servers: Servers) -> None:
    async def sleepy(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(3)
        return web.Response(body=active())

    async with stub(sleepy) as auth:
        resource = await start(servers, auth.url)
        await refused_fast(resource)
    await refused_fast(resource)


async def refused_fast(resource: Server) -> None:
    started = time.perf_counter()
    answer = await resource.get("/me", token=OPAQUE)
    assert (503, "unavailable") == (answer.status, answer.code)
    assert time.perf_counter() - started < 0.8
    assert 200 == (await resource.get("/unguarded")).status


@pytest.mark.parametrize("token", ["", "A" * 4097, "a b", "a&token=b", "a%20b", "é", '"x"'])
async def test_what_cannot_be_a_token_is_not_asked_about(servers: Servers, token: str) -> None:
    async with stub(answers(active())) as auth:
        resource = await start(servers, auth.url)
        answer = await resource.get("/me", headers={"Authorization": f"Bearer {token}"})
        assert (401, 0) == (answer.status, auth.asked)


async def test_many_at_once_share_a_bounded_number_of_connections(servers: Servers) -> None:
    async def brief(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.01)
        return web.Response(body=active())

    async with stub(brief) as auth:
        resource = await start(servers, auth.url)
        asked = await asyncio.gather(*(resource.get("/me", token=OPAQUE) for _ in range(200)))
        assert {200} == {answer.status for answer in asked} - {503}, "a busy machine may shed some"
        assert len(auth.connections) <= 64


@pytest.mark.parametrize("missing", ["RESOURCE_INTROSPECTION_URL", "RESOURCE_CLIENT_ID"])
def test_what_it_needs_is_named(missing: str) -> None:
    environment = resource_environment("introspected-token", **{**introspecting("http://127.0.0.1:9/"), missing: ""})
    with pytest.raises(SettingsError, match=missing):
        IntrospectedToken.check(load(ResourceSettings, environment))
