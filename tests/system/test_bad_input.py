"""What bad input gets, from every server that takes it: a clear answer, the same for all reasons, and never 5xx."""

import asyncio
import json
from collections.abc import AsyncIterator
from time import time
from typing import Any

import aiohttp
import pytest

from core.keys import secret_thumbprint
from core.strict_json import base64url_text
from resource_server.strategies import STRATEGIES as TOKEN_STRATEGIES
from session_server.strategies import STRATEGIES as SESSION_STRATEGIES
from tests.attacks.forge import parts, signed
from tests.support.caller import Answer, Caller, calling, set_cookie
from tests.support.environments import AUDIENCE, ISSUER, OTHER_AUDIENCE, shared_secret
from tests.system.fleet import ALL, AUTH, Fleet

LOGINS = (AUTH, *SESSION_STRATEGIES)
BEARERS = (AUTH, *TOKEN_STRATEGIES)
OWN = {AUTH: "/logins"} | dict.fromkeys((*TOKEN_STRATEGIES, *SESSION_STRATEGIES), "/me")
"""A route of each server that needs a subject and nothing else."""


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with calling() as session:
        yield session


async def _proofs(fleet: Fleet, session: aiohttp.ClientSession, name: str, username: str) -> dict[str, Any]:
    """Return what a caller of a server sends to be recognised."""
    if name in SESSION_STRATEGIES:
        login = await Caller(fleet.url(name), session).login(username)
        return {"cookie": set_cookie(login), "csrf": login.json["csrf_token"]}
    login = await Caller(fleet.url(AUTH), session).login(username)
    return {"token": login.json["access_token"]}


def _same_for_all(answers: list[Answer]) -> tuple[int, str]:
    """Return status and code of answers that must not differ in anything that tells the reason."""
    changing = {"Date", "X-Request-Id"}
    seen = {
        (answer.status, answer.body, *((k, v) for k, v in answer.headers.items() if k.title() not in changing))
        for answer in answers
    }
    assert 1 == len(seen), seen
    return answers[0].status, answers[0].code


@pytest.mark.parametrize("name", LOGINS)
async def test_a_wrong_password_and_an_unknown_user_look_the_same(
    name: str, fleet: Fleet, session: aiohttp.ClientSession
) -> None:
    server = Caller(fleet.url(name), session)
    attempts = [("alice", "wrong-password"), ("nobody", "wrong-password"), ("nobody", "alice-demo-password")]
    answers = [await server.post("/login", body={"username": user, "password": word}) for user, word in attempts]
    assert (401, "bad_credentials") == _same_for_all(answers)


def _claims(**changes: Any) -> dict[str, Any]:
    now = time()
    good = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "client_id": "authlab-web", "jti": "made", "iat": now - 1,
        "exp": now + 100,
    }  # fmt: skip
    return good | changes


def _bad_tokens(good: str) -> dict[str, str]:
    """Return a token for each way in which issue 2 has it bad."""
    header, payload, _ = parts(good)
    secret = shared_secret()
    head, body, mac = good.split(".")
    expired = _claims(iat=time() - 1000, exp=time() - 1)
    return {
        "malformed": "not.a.token",
        "opaque": "A" * 43,
        "empty": "",
        "tampered payload": f"{head}.{base64url_text(json.dumps({**payload, 'sub': 'root'}).encode())}.{mac}",
        "tampered signature": f"{head}.{body}.{'A' if mac[0] != 'A' else 'B'}{mac[1:]}",
        "expired": signed(header, expired, secret),
        "foreign audience": signed(header, _claims(aud="somebody-elses"), secret),
        "foreign key": signed(
            {**header, "kid": secret_thumbprint(shared_secret(OTHER_AUDIENCE))},
            _claims(),
            shared_secret(OTHER_AUDIENCE),
        ),
        "alg none": f"{base64url_text(json.dumps({**header, 'alg': 'none'}).encode())}.{body}.",
        "huge": "A" * 6000,
    }


@pytest.mark.parametrize("name", BEARERS)
async def test_whatever_is_wrong_with_a_token_it_is_one_401(
    name: str, fleet: Fleet, session: aiohttp.ClientSession
) -> None:
    server = Caller(fleet.url(name), session)
    good = (await _proofs(fleet, session, name, "alice"))["token"]
    assert 200 == (await server.get(OWN[name], token=good)).status
    answers = {kind: await server.get(OWN[name], token=token) for kind, token in _bad_tokens(good).items()}
    assert {401} == {answer.status for answer in answers.values()}, answers
    assert (401, "invalid_credential") == _same_for_all(list(answers.values()))
    for answer in answers.values():
        assert 'Bearer realm="authlab", error="invalid_token"' == answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("name", ALL)
async def test_without_a_credential_it_is_401_without_an_error(
    name: str, fleet: Fleet, session: aiohttp.ClientSession
) -> None:
    server = Caller(fleet.url(name), session)
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"Cookie": "other=1"}, {"Authorization": "alice"}):
        answer = await server.get(OWN[name], headers=headers)
        assert (401, "no_credential") == (answer.status, answer.code)
        scheme = "Cookie" if name in SESSION_STRATEGIES else "Bearer"
        assert f'{scheme} realm="authlab"' == answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("name", [name for name in ALL if name != AUTH])
async def test_a_scope_or_a_role_that_is_missing_is_403(
    name: str, fleet: Fleet, session: aiohttp.ClientSession
) -> None:
    server = Caller(fleet.url(name), session)
    proofs = await _proofs(fleet, session, name, "bob")
    order = {"item": "pears", "quantity": 2}
    for answer in (await server.post("/orders", body=order, **proofs), await server.get("/admin/audit", **proofs)):
        assert (403, "forbidden") == (answer.status, answer.code)
        if name in TOKEN_STRATEGIES:
            assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]
    assert 200 == (await server.get("/orders", **proofs)).status


BAD_BODIES: dict[str, tuple[bytes, str, int]] = {
    "nothing": (b"", "application/json", 400),
    "no JSON": (b"{", "application/json", 400),
    "no object": (b"[]", "application/json", 400),
    "two members of one name": (b'{"a": 1, "a": 2}', "application/json", 400),
    "not a number": (b'{"quantity": NaN}', "application/json", 400),
    "no UTF-8": (b'{"item": "\xff"}', "application/json", 400),
    "a byte order mark": (b"\xef\xbb\xbf{}", "application/json", 400),
    "a lone surrogate": (rb'{"username": "\ud800", "password": "x"}', "application/json", 400),
    "unknown members": (b'{"surprise": true}', "application/json", 400),
    "wrong types": (
        b'{"username": 1, "password": [], "item": {}, "quantity": "2", "roles": "admin"}',
        "application/json",
        400,
    ),
    "nested too deeply": (b'{"a":' * 2500 + b"1" + b"}" * 2500, "application/json", 400),
    "too large": (b'{"item": "' + b"x" * 20_000 + b'"}', "application/json", 413),
    "text": (b"{}", "text/plain", 415),
    "a form": (b"a=b", "application/x-www-form-urlencoded", 415),
    "no type": (b"{}", "", 415),
    "another charset": (b"{}", "application/json; charset=utf-16", 415),
}


@pytest.mark.parametrize("name", ALL)
async def test_a_bad_body_gets_a_problem_from_every_endpoint_that_takes_json(
    name: str, fleet: Fleet, session: aiohttp.ClientSession
) -> None:
    """The endpoints are read from the server's own description, so that a new one is tested without a line here."""
    server = Caller(fleet.url(name), session)
    proofs = await _proofs(fleet, session, name, "root")
    paths = (await server.get("/openapi.json")).json["paths"]
    takers = [
        (method.upper(), path.replace("{name}", "alice"))
        for path, operations in paths.items()
        for method, operation in operations.items()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    ]
    assert takers
    for method, path in takers:
        for kind, (body, content_type, expected) in BAD_BODIES.items():
            headers = {"Content-Type": content_type} if content_type else {}
            answer = await server.send(method, path, raw=body, headers=headers, **proofs)
            assert expected == answer.status, (path, kind, answer)
            codes = {400: "bad_request", 413: "too_large", 415: "unsupported_media_type"}
            assert codes[expected] == answer.code
    assert 200 == (await server.get(OWN[name], **proofs)).status, "and nothing was changed"


@pytest.mark.parametrize("name", ALL)
async def test_two_credentials_are_not_one(name: str, fleet: Fleet, session: aiohttp.ClientSession) -> None:
    proofs = await _proofs(fleet, session, name, "alice")
    if name in SESSION_STRATEGIES:
        headers, expected = [("Cookie", proofs["cookie"])] * 2, (401, "invalid_credential")
    else:
        headers, expected = [("Authorization", f"Bearer {proofs['token']}")] * 2, (400, "bad_request")
    async with session.get(fleet.url(name) + OWN[name], headers=headers) as answer:
        assert expected == (answer.status, (await answer.json(content_type=None))["code"])


async def test_after_all_of_that_nobody_crashed(fleet: Fleet, session: aiohttp.ClientSession) -> None:
    """Runs last in this file: no 5xx was counted by any server."""
    texts = await asyncio.gather(*(Caller(fleet.url(name), session).get("/metrics") for name in ALL))
    for name, answer in zip(ALL, texts, strict=True):
        counted = [line for line in answer.body.decode().splitlines() if line.startswith("authlab_requests_total{")]
        assert counted
        assert [] == [line for line in counted if 'status="5' in line and "/readyz" not in line], name
