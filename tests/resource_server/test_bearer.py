"""RS-01 to RS-04: one credential, from one place, and an answer that tells nothing (RFC 6750)."""

import time

import pytest

from core.keys import secret_thumbprint
from tests.attacks.forge import claims, signed
from tests.support.environments import ISSUER, shared_secret
from tests.support.servers import Server, Servers
from tests.support.wire import request, spoken, status_of

REALM = 'Bearer realm="authlab"'


@pytest.fixture
async def server(servers: Servers) -> Server:
    return await servers.resource()


def token(**changes: object) -> str:
    header = {"alg": "HS256", "typ": "at+jwt", "kid": secret_thumbprint(shared_secret())}
    return signed(header, claims(ISSUER, **changes), shared_secret())


async def test_without_a_credential_there_is_a_bare_challenge(server: Server) -> None:
    """RFC 6750 §3.1: no error code where nothing was presented."""
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": ""}, {"Authorization": "Digest x"}):
        answer = await server.get("/me", headers=headers)
        assert (401, "no_credential", REALM) == (answer.status, answer.code, answer.headers["WWW-Authenticate"])


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
async def test_the_scheme_is_case_insensitive(server: Server, scheme: str) -> None:
    assert 200 == (await server.get("/me", headers={"Authorization": f"{scheme} {token()}"})).status


@pytest.mark.parametrize(
    "value", ["Bearer", "Bearer  {}", "Bearer {} ", "Bearer {},", "Bearer {}, Bearer {}", "Bearer {} {}", 'Bearer "{}"']
)
async def test_there_is_one_way_to_write_it(server: Server, value: str) -> None:
    sent = value.replace("{}", token())
    answer = await spoken(server.url, request("GET", "/me", f"Authorization: {sent}"))
    trailing = sent.endswith(" ")  # optional white space around a field value is no part of it (RFC 9110 §5.5)
    assert status_of(answer) == (200 if trailing else 401)


async def test_a_tab_is_no_space(server: Server) -> None:
    answer = await spoken(server.url, request("GET", "/me", f"Authorization: Bearer\t{token()}"))
    assert 401 == status_of(answer)


async def test_two_headers_are_a_bad_request_even_if_both_are_good(server: Server) -> None:
    one = f"Authorization: Bearer {token()}"
    for headers in ((one, one), (one, "Authorization: Basic YTpi"), (one, one.lower())):
        answer = await spoken(server.url, request("GET", "/me", *headers))
        assert 400 == status_of(answer)
        assert f'{REALM}, error="invalid_request"'.encode() in answer


async def test_a_token_anywhere_else_is_no_credential(server: Server) -> None:
    """RS-02: not in the URL, not in the body, not in a cookie."""
    good = token()
    for answer in (
        await server.get(f"/me?access_token={good}"),
        await server.get("/me", cookie=f"access_token={good}"),
        await server.get("/me", headers={"X-Authorization": f"Bearer {good}", "Proxy-Authorization": f"Bearer {good}"}),
        await server.post("/orders", form={"access_token": good}),
    ):
        assert (401, "no_credential") == (answer.status, answer.code)


async def test_every_bad_token_gets_the_same_bytes(server: Server) -> None:
    """JWT-18: the reason is in the log, and nowhere else."""
    good = token()
    bad = {
        "nonsense": "x",
        "tampered": good[:-4] + "AAAA",
        "expired": token(iat=time.time() - 600, exp=time.time() - 300),
        "not yet": token(iat=time.time() + 600, exp=time.time() + 900),
        "another audience": token(aud="billing-api"),
        "another issuer": token(iss="http://evil.example"),
        "no subject": token(sub=None),
        "an unknown key": signed({"alg": "HS256", "typ": "at+jwt", "kid": "x"}, claims(ISSUER), b"x"),
        "none": f"eyJhbGciOiJub25lIn0.{good.split('.')[1]}.",
        "huge": "A" * 5000,
    }
    answers = {name: await server.get("/me", token=text) for name, text in bad.items()}
    seen = {
        (
            answer.status,
            answer.body,
            answer.headers["WWW-Authenticate"],
            answer.headers["Content-Type"],
            len(answer.headers),
        )
        for answer in answers.values()
    }
    assert 1 == len(seen)
    status, body, challenge, *_ = seen.pop()
    assert (401, f'{REALM}, error="invalid_token"') == (status, challenge)
    assert answers["huge"].headers["X-Request-Id"].encode() not in body
    assert "invalid_credential" == answers["huge"].code


async def test_too_little_scope_or_no_role_is_403(server: Server) -> None:
    weak = token(sub="bob", roles=["user"], scope="orders:read")
    for answer in (
        await server.post("/orders", body={"item": "a", "quantity": 1}, token=weak),
        await server.get("/admin/audit", token=weak),
        await server.get("/orders", token=token(scope="orders:write")),
        await server.get("/orders", token=token(scope=None)),
        await server.get("/admin/audit", token=token(roles=None)),
    ):
        assert (403, "forbidden") == (answer.status, answer.code)
        assert f'{REALM}, error="insufficient_scope"' == answer.headers["WWW-Authenticate"]


async def test_what_is_refused_is_logged_by_its_reason(server: Server, logged: list[dict[str, object]]) -> None:
    await server.get("/me", token=token(aud="billing-api"))
    await server.get("/me", token=token()[:-4] + "AAAA")
    await server.get("/admin/audit", token=token(roles=[]))
    refused = [(event["status"], event["reason"]) for event in logged if event["event"] == "request.refused"]
    assert [(401, "audience"), (401, "mac"), (403, "role")] == refused
