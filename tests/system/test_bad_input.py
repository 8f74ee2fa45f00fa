"""What bad input gets, from every server that takes it: a clear answer, the same for all reasons, and never 5xx."""

import asyncio
import json
from time import time
from typing import Any

import pytest
from aiohttp import ClientSession

from core.keys import secret_ring
from core.strict_json import base64url_text
from tests.attacks.forge import claims, parts, signed
from tests.support.caller import Answer, Caller, set_cookie
from tests.support.environments import AUDIENCE
from tests.support.wire import request, spoken, status_of
from tests.system.house import RESOURCES, SESSIONS, House

AUTH = "auth"
LOGINS = (AUTH, *SESSIONS)
BEARERS = (AUTH, *RESOURCES)
ALL = (AUTH, *RESOURCES, *SESSIONS)
OWN = {AUTH: "/logins"} | dict.fromkeys((*RESOURCES, *SESSIONS), "/me")
"""A route of each server that needs a subject and nothing else."""


async def _proofs(house: House, session: ClientSession, name: str, username: str) -> dict[str, Any]:
    """Return what a caller of a server sends to be recognised."""
    if name in SESSIONS:
        login = await Caller(house.url(name), session).login(username)
        return {"cookie": set_cookie(login), "csrf": login.json["csrf_token"]}
    login = await Caller(house.url(AUTH), session).login(username)
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
    name: str, house: House, session: ClientSession
) -> None:
    server = Caller(house.url(name), session)
    attempts = [("alice", "wrong-password"), ("nobody", "wrong-password"), ("nobody", "alice-demo-password")]
    answers = [await server.post("/login", body={"username": user, "password": word}) for user, word in attempts]
    assert (401, "bad_credentials") == _same_for_all(answers)


@pytest.fixture
def held_secret(house: House) -> bytes:
    """Return the key that a resource server of this system holds: the tokens are bad, their signatures are not."""
    path = house.directory / "secrets" / "audiences" / f"{AUDIENCE}.json"
    (key,) = secret_ring(path.read_text())
    secret: bytes = key.prepared.secret
    return secret


def _bad_tokens(good: str, secret: bytes) -> dict[str, str]:
    """Return a token for each way in which it can be bad."""
    header, payload, _ = parts(good)
    head, body, mac = good.split(".")
    issuer, now = payload["iss"], time()
    return {
        "malformed": "not.a.token",
        "opaque": "A" * 43,
        "empty": "",
        "tampered payload": f"{head}.{base64url_text(json.dumps({**payload, 'sub': 'root'}).encode())}.{mac}",
        "tampered signature": f"{head}.{body}.{'A' if mac[0] != 'A' else 'B'}{mac[1:]}",
        "expired": signed(header, claims(issuer, iat=now - 1000, exp=now - 1), secret),
        "foreign audience": signed(header, claims(issuer, aud="somebody-elses"), secret),
        "foreign issuer": signed(header, claims("http://evil.example"), secret),
        "foreign key": signed({**header, "kid": "another"}, claims(issuer), b"another key, of 32 bytes or more"),
        "alg none": f"{base64url_text(json.dumps({**header, 'alg': 'none'}).encode())}.{body}.",
        "huge": "A" * 6000,
        "binary": "\xff\xfe",
    }


@pytest.mark.parametrize("name", BEARERS)
async def test_whatever_is_wrong_with_a_token_it_is_one_401(
    name: str, house: House, session: ClientSession, held_secret: bytes
) -> None:
    server = Caller(house.url(name), session)
    good = (await _proofs(house, session, name, "alice"))["token"]
    assert 200 == (await server.get(OWN[name], token=good)).status
    answers = {kind: await server.get(OWN[name], token=token) for kind, token in _bad_tokens(good, held_secret).items()}
    assert {401} == {answer.status for answer in answers.values()}, answers
    assert (401, "invalid_credential") == _same_for_all(list(answers.values()))
    for answer in answers.values():
        assert 'Bearer realm="authlab", error="invalid_token"' == answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("name", ALL)
async def test_without_a_credential_it_is_401_without_an_error(name: str, house: House, session: ClientSession) -> None:
    server = Caller(house.url(name), session)
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"Cookie": "other=1"}, {"Authorization": "alice"}):
        answer = await server.get(OWN[name], headers=headers)
        assert (401, "no_credential") == (answer.status, answer.code)
        scheme = "Cookie" if name in SESSIONS else "Bearer"
        assert f'{scheme} realm="authlab"' == answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("name", [name for name in ALL if name != AUTH])
async def test_a_scope_or_a_role_that_is_missing_is_403(name: str, house: House, session: ClientSession) -> None:
    server = Caller(house.url(name), session)
    proofs = await _proofs(house, session, name, "bob")
    order = {"item": "pears", "quantity": 2}
    for answer in (await server.post("/orders", body=order, **proofs), await server.get("/admin/audit", **proofs)):
        assert (403, "forbidden") == (answer.status, answer.code)
        if name in RESOURCES:
            assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]
    assert 200 == (await server.get("/orders", **proofs)).status


@pytest.mark.parametrize("name", ALL)
async def test_two_credentials_are_not_one(name: str, house: House, session: ClientSession) -> None:
    proofs = await _proofs(house, session, name, "alice")
    if name in SESSIONS:
        headers, expected = [("Cookie", proofs["cookie"])] * 2, (401, "invalid_credential")
    else:
        headers, expected = [("Authorization", f"Bearer {proofs['token']}")] * 2, (400, "bad_request")
    async with session.get(house.url(name) + OWN[name], headers=headers) as answer:
        assert expected == (answer.status, (await answer.json(content_type=None))["code"])


@pytest.mark.parametrize("name", SESSIONS)
async def test_every_bad_cookie_is_401(name: str, house: House, session: ClientSession) -> None:
    caller = Caller(house.url(name), session)
    good = set_cookie(await caller.login())
    value = good.partition("=")[2]
    for cookie in (
        f"session={'A' * 43}",
        "session=",
        f"{good}x",
        f'session="{value}"',
        "session=\xff",
        f"{good}; {good}",
    ):
        answer = await caller.get("/me", cookie=cookie)
        assert (401, "invalid_credential") == (answer.status, answer.code), cookie
    assert 200 == (await caller.get("/me", cookie=good)).status


@pytest.mark.parametrize("name", ALL)
async def test_garbage_on_the_wire_is_400(name: str, house: House) -> None:
    garbage = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \x00\r\n\r\n",
        b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ]
    assert [400] * 4 == [status_of(await spoken(house.url(name), piece)) for piece in garbage]
    assert 200 == status_of(await spoken(house.url(name), request("GET", "/livez")))


CANARY = f"canary{'q' * 37}"


@pytest.mark.parametrize("name", ALL)
async def test_no_canary_comes_back_or_is_logged(name: str, house: House, session: ClientSession) -> None:
    """HTTP-05: what looks like a secret goes into every field, and comes out nowhere."""
    caller, token = Caller(house.url(name), session), f"eyJhbGciOiJIUzI1NiJ9.{CANARY}.{CANARY}"
    answers = [
        await caller.get(f"/me?access_token={token}", token=token, cookie=f"session={CANARY}"),
        await caller.get(f"/{CANARY}"),
        await caller.post("/login", body={"username": CANARY, "password": CANARY}),
        await caller.post("/login", body={"username": "alice", "password": [CANARY]}),
        await caller.post("/oauth/token", form={"grant_type": "refresh_token", "refresh_token": CANARY}),
        await caller.post("/oauth/introspect", form={"token": token}, client=("demo-resource", CANARY)),
        await caller.post("/orders", body={"item": CANARY}, token=token, csrf=CANARY),
        await caller.get("/metrics"),
    ]
    malformed = await spoken(caller.url, f"GET /me HTTP/1.1\r\nCookie {CANARY}\r\n\r\n".encode())
    shown = [malformed.decode(), *(answer.body.decode() + str(answer.headers) for answer in answers)]
    assert [] == [text for text in shown if CANARY in text]
    assert CANARY not in await asyncio.to_thread(house.logs)


async def test_after_all_of_that_nobody_crashed(house: House, session: ClientSession) -> None:
    """Runs last in this file: no server counted an error of its own."""
    for name in ALL:
        text = (await Caller(house.url(name), session).get("/metrics")).body.decode()
        counted = [line for line in text.splitlines() if line.startswith("authlab_requests_total{")]
        assert counted
        assert [] == [line for line in counted if 'status="500"' in line], name
