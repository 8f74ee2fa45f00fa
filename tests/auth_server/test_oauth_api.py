"""The OAuth endpoints, byte by byte where a standard says so (RFC 6749, 7009, 7662)."""

import base64
import json
from time import perf_counter
from typing import Any

import pytest

from lab.processes import RedisProcess
from tests.attacks.forge import parts
from tests.auth_server.member import WEB, error_of, introspected, is_accepted, log_in, refresh, refreshed
from tests.support.environments import AUDIENCE, CLIENTS, ISSUER
from tests.support.patience import until
from tests.support.servers import Server, Servers

SERVICE = ("demo-service", CLIENTS["demo-service"])
RESOURCE = ("demo-resource", CLIENTS["demo-resource"])
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ENDPOINTS = ("/oauth/token", "/oauth/revoke", "/oauth/introspect")
CLIENT_CREDENTIALS = {"grant_type": "client_credentials"}
INVALID_CLIENT = b'{"error":"invalid_client","error_description":"Unknown client, or wrong client secret."}'


@pytest.fixture
async def auth(servers: Servers, redis_url: str) -> Server:
    return await servers.auth(redis_url)


# --- RFC 6749 §5.2: what a refused request gets -----------------------------------------------------------------------


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    ("raw", "headers", "status"),
    [
        (b"a=1&a=2", FORM, 400),
        (b"grant_type=refresh_token&grant_type=refresh_token", FORM, 400),
        (b"a=%ff", FORM, 400),
        (b"\xff\xfe", FORM, 400),
        (b"x" * 17_000, FORM, 413),
        (b'{"grant_type":"client_credentials"}', {"Content-Type": "application/json"}, 415),
        (b"grant_type=client_credentials", {}, 415),
        (b"grant_type=client_credentials", {"Content-Type": "multipart/form-data"}, 415),
    ],
    ids=["repeated", "repeated grant_type", "not utf-8", "not ascii", "oversize", "json", "no type", "multipart"],
)
async def test_a_malformed_request_is_invalid_request_in_the_form_of_oauth(
    auth: Server, path: str, raw: bytes, headers: dict[str, str], status: int
) -> None:
    answer = await auth.post(path, raw=raw, headers=headers)
    assert (status, "invalid_request") == error_of(answer)
    assert set(answer.json) <= {"error", "error_description"}
    assert "no-store" == answer.headers["Cache-Control"]


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_there_is_post_and_nothing_else(auth: Server, path: str, method: str) -> None:
    answer = await auth.send(method, f"{path}?grant_type=client_credentials&client_id=demo-service")
    assert (405, "invalid_request") == error_of(answer)
    assert "POST" == answer.headers["Allow"]


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ({}, b'{"error":"invalid_request","error_description":"grant_type is missing."}'),
        ({"grant_type": ""}, b'{"error":"invalid_request","error_description":"grant_type is missing."}'),
        ({"grant_type": "password", "username": "alice", "password": "alice-demo-password"},
         b'{"error":"unsupported_grant_type"}'),
        ({"grant_type": "authorization_code", "code": "x"}, b'{"error":"unsupported_grant_type"}'),
        ({"grant_type": "implicit"}, b'{"error":"unsupported_grant_type"}'),
        ({"grant_type": "refresh_token", "client_id": WEB},
         b'{"error":"invalid_request","error_description":"refresh_token is missing."}'),
        ({"grant_type": "refresh_token", "client_id": WEB, "refresh_token": "x"}, b'{"error":"invalid_grant"}'),
        ({"grant_type": "client_credentials", "client_id": WEB}, b'{"error":"unauthorized_client"}'),
    ],
)  # fmt: skip
async def test_a_refused_token_request_says_which_error_it_is(auth: Server, form: dict[str, str], body: bytes) -> None:
    answer = await auth.post("/oauth/token", form=form)
    assert (400, body) == (answer.status, answer.body)


# --- who the client is ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize(
    "credentials",
    [
        {"client": ("demo-service", "wrong")},
        {"client": ("demo-service", "")},
        {"client": ("nobody", "demo-service-secret")},
        {"client": ("", "")},
        {"client": ("demo-service", "demo-resource-secret")},
        {"headers": {"Authorization": "Basic !!!"}},
        {"headers": {"Authorization": "Basic"}},
        {"headers": {"Authorization": "Basic /////w=="}},
        {"headers": {"Authorization": "Bearer demo-service-secret"}},
        {"form": {"client_id": "demo-service"}},
        {"form": {"client_id": "demo-service", "client_secret": "wrong"}},
        {"form": {"client_id": "demo-service", "client_secret": ""}},
        {"form": {"client_id": "nobody", "client_secret": "x"}},
        {"form": {"client_id": WEB, "client_secret": "x"}},
        {"form": {}},
    ],
    ids=str,
)
async def test_a_client_that_does_not_prove_itself_gets_the_same_bytes(
    auth: Server, path: str, credentials: dict[str, Any]
) -> None:
    form = {"grant_type": "client_credentials", "token": "x", **credentials.pop("form", {})}
    answer = await auth.post(path, form=form, **credentials)
    assert (401, INVALID_CLIENT) == (answer.status, answer.body)
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_two_ways_to_authenticate_are_one_too_many(auth: Server, path: str) -> None:
    """RFC 6749 §2.3: the client must not use more than one authentication method in each request."""
    form = {"token": "x", **CLIENT_CREDENTIALS}
    both = {**form, "client_id": SERVICE[0], "client_secret": SERVICE[1]}
    assert (400, "invalid_request") == error_of(await auth.post(path, form=both, client=SERVICE))
    assert (400, "invalid_request") == error_of(await auth.post(path, form={**form, "client_id": "x"}, client=SERVICE))


async def test_a_client_may_prove_itself_in_the_header_or_in_the_body(auth: Server) -> None:
    in_body = {"client_id": SERVICE[0], "client_secret": SERVICE[1]}
    for answer in (
        await auth.post("/oauth/token", form=CLIENT_CREDENTIALS, client=SERVICE),
        await auth.post("/oauth/token", form={**CLIENT_CREDENTIALS, "client_id": SERVICE[0]}, client=SERVICE),
        await auth.post("/oauth/token", form={**CLIENT_CREDENTIALS, **in_body}),
    ):
        assert (200, "Bearer", "no-store") == (
            answer.status, answer.json["token_type"], answer.headers["Cache-Control"]
        )  # fmt: skip
        assert "refresh_token" not in answer.json, "RFC 6749 §4.4.3"


async def test_a_client_id_is_form_encoded_inside_basic(auth: Server) -> None:
    """RFC 6749 §2.3.1."""
    encoded = base64.b64encode(b"demo%2Dservice:demo%2dservice%2Dsecret").decode()
    headers = {"Authorization": f"Basic {encoded}"}
    assert 200 == (await auth.post("/oauth/token", form=CLIENT_CREDENTIALS, headers=headers)).status


# --- client_credentials -----------------------------------------------------------------------------------------------


async def test_a_client_gets_a_token_for_itself(auth: Server) -> None:
    answer = await auth.post("/oauth/token", form=CLIENT_CREDENTIALS, client=SERVICE)
    claims = parts(answer.json["access_token"])[1]
    assert ("client:demo-service", "demo-service", AUDIENCE, ISSUER, []) == (
        claims["sub"], claims["client_id"], claims["aud"], claims["iss"], claims["roles"]
    )  # fmt: skip
    assert "sid" not in claims
    assert answer.json["scope"] == claims["scope"] == "orders:read orders:write"


async def test_a_client_cannot_pass_for_a_user_of_its_name(servers: Servers, auth: Server) -> None:
    """JWT-21, RFC 9700 §4.15."""
    token = (await auth.post("/oauth/token", form=CLIENT_CREDENTIALS, client=SERVICE)).json["access_token"]
    resource = await servers.resource()
    assert "client:demo-service" == (await resource.get("/me", token=token)).json["sub"]
    admin = await log_in(auth, "root")
    body = {"username": "client:x", "name": "x", "password": "correct horse battery"}
    assert 400 == (await auth.post("/admin/accounts", body=body, token=admin.access)).status


async def test_a_client_may_ask_for_less_and_for_one_audience(auth: Server) -> None:
    form = {**CLIENT_CREDENTIALS, "scope": "orders:read", "audience": "billing-api"}
    claims = parts((await auth.post("/oauth/token", form=form, client=SERVICE)).json["access_token"])[1]
    assert ("orders:read", "billing-api") == (claims["scope"], claims["aud"])


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"scope": "admin"}, "invalid_scope"),
        ({"scope": "orders:read admin"}, "invalid_scope"),
        ({"scope": "orders:read  orders:write"}, "invalid_scope"),
        ({"audience": "other"}, "invalid_target"),
        ({"audience": ""}, "invalid_target"),
    ],
)
async def test_a_client_gets_nothing_beyond_its_due(auth: Server, more: dict[str, str], error: str) -> None:
    answer = await auth.post("/oauth/token", form={**CLIENT_CREDENTIALS, **more}, client=SERVICE)
    assert (400, error) == error_of(answer)


async def test_a_client_without_the_grant_is_unauthorized(auth: Server) -> None:
    assert (400, "unauthorized_client") == error_of(
        await auth.post("/oauth/token", form=CLIENT_CREDENTIALS, client=RESOURCE)
    )


# --- introspection ----------------------------------------------------------------------------------------------------


async def test_an_active_token_is_described(auth: Server) -> None:
    member = await log_in(auth)
    answer = await introspected(auth, member.access)
    claims = parts(member.access)[1]
    assert {"active": True, "token_type": "Bearer", "username": "alice"}.items() <= answer.json.items()
    for name in ("sub", "iss", "aud", "exp", "iat", "jti", "sid", "scope", "client_id", "name", "roles"):
        assert claims[name] == answer.json[name]
    assert "no-store" == answer.headers["Cache-Control"]


async def test_an_opaque_token_is_described_alike(auth: Server) -> None:
    token = (await auth.login(token_format="opaque")).json["access_token"]
    answer = await introspected(auth, token)
    assert (True, "alice", AUDIENCE) == (answer.json["active"], answer.json["sub"], answer.json["aud"])


async def test_every_inactive_token_gets_the_same_bytes(servers: Servers, redis_url: str) -> None:
    """INT-01: which kind of bad it is helps a guesser only."""
    auth = await servers.auth(redis_url, AUTH_ACCESS_TTL_S="2")
    expired = await log_in(auth)
    opaque = (await auth.login(token_format="opaque")).json["access_token"]
    longer = await servers.auth(redis_url)
    revoked, refresh_token = await log_in(longer), (await log_in(longer)).refresh
    await longer.post("/logout", token=revoked.access)
    elsewhere = await servers.auth(redis_url, AUTH_ISSUER="http://127.0.0.1:1")
    foreign = await log_in(elsewhere)
    header, payload, signature = revoked.access.split(".")
    tokens = {
        "revoked": revoked.access, "foreign issuer": foreign.access, "a refresh token": refresh_token,
        "unknown": "A" * 43, "nonsense": "x", "dots": "..", "tampered": f"{header}.{payload}A.{signature}",
        "padded": f"{revoked.access}=", "none": f"eyJhbGciOiJub25lIn0.{payload}.", "huge": "A" * 9000, "utf-8": "é",
    }  # fmt: skip
    answers = {name: await introspected(longer, token) for name, token in tokens.items()}
    for name, token in (("expired", expired.access), ("expired opaque", opaque)):
        await until(lambda token=token: _is_inactive(longer, token))  # type: ignore[misc] # mypy types no default
        answers[name] = await introspected(longer, token)
    assert {(200, b'{"active":false}')} == {(answer.status, answer.body) for answer in answers.values()}


async def _is_inactive(auth: Server, token: str) -> bool:
    return not (await introspected(auth, token)).json["active"]


async def test_only_a_client_with_a_secret_may_ask(auth: Server) -> None:
    member = await log_in(auth)
    for form in ({"token": member.access, "client_id": WEB}, {"token": member.access}):
        assert (401, "invalid_client") == error_of(await auth.post("/oauth/introspect", form=form))
    answer = await auth.post("/oauth/introspect", form={"token": member.access}, client=SERVICE)
    assert answer.json["active"]


async def test_a_token_to_judge_must_be_given(auth: Server) -> None:
    for path in ("/oauth/introspect", "/oauth/revoke"):
        for form in ({}, {"token": ""}):
            answer = await auth.post(path, form=form or {"x": "y"}, client=SERVICE)
            assert (400, "invalid_request") == error_of(answer)


# --- revocation -------------------------------------------------------------------------------------------------------


async def revoke(auth: Server, token: str, **more: str) -> int:
    answer = await auth.post("/oauth/revoke", form={"token": token, "client_id": WEB, **more})
    assert b"" == answer.body or answer.status != 200
    return answer.status


@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "made_up"])
async def test_the_hint_is_only_a_hint(auth: Server, hint: str | None) -> None:
    more = {} if hint is None else {"token_type_hint": hint}
    member = await log_in(auth)
    assert 200 == await revoke(auth, member.access, **more)
    assert not await is_accepted(auth, member.access)
    other = await log_in(auth)
    assert 200 == await revoke(auth, other.refresh, **more)
    assert (400, "invalid_grant") == error_of(await refresh(auth, other.refresh))


async def test_revoking_a_refresh_token_ends_its_login_and_its_access_tokens(auth: Server) -> None:
    member = await log_in(auth)
    again = await refreshed(auth, member.refresh)
    assert 200 == await revoke(auth, member.refresh), "an old one of the family will do"
    assert [False, False] == [await is_accepted(auth, access) for access in (member.access, again.access)]
    assert (400, "invalid_grant") == error_of(await refresh(auth, again.refresh))


async def test_revoking_an_access_token_leaves_its_login(auth: Server) -> None:
    member = await log_in(auth)
    assert 200 == await revoke(auth, member.access)
    assert not await is_accepted(auth, member.access)
    assert await is_accepted(auth, (await refreshed(auth, member.refresh)).access)


async def test_an_opaque_token_is_revoked_alike(auth: Server) -> None:
    token = (await auth.login(token_format="opaque")).json["access_token"]
    assert await is_accepted(auth, token)
    assert 200 == await revoke(auth, token)
    assert not await is_accepted(auth, token)


@pytest.mark.parametrize("token", ["x", "A" * 43, "a.b.c", "A" * 9000, "é", "..", " "])
async def test_whatever_is_unknown_is_revoked_already(auth: Server, token: str) -> None:
    """RFC 7009 §2.2: 200, also for an invalid token; the client could not do anything with an error."""
    assert 200 == await revoke(auth, token)


async def test_a_client_revokes_its_own_tokens_only(auth: Server) -> None:
    member = await log_in(auth)
    for token in (member.access, member.refresh):
        answer = await auth.post("/oauth/revoke", form={"token": token}, client=SERVICE)
        assert 200 == answer.status, "and does not learn whether there was such a token"
    assert await is_accepted(auth, member.access)
    await refreshed(auth, member.refresh)
    own = (await auth.post("/oauth/token", form=CLIENT_CREDENTIALS, client=SERVICE)).json["access_token"]
    assert 200 == await revoke(auth, own)
    assert (await introspected(auth, own)).json["active"]
    assert 200 == (await auth.post("/oauth/revoke", form={"token": own}, client=SERVICE)).status
    assert not (await introspected(auth, own)).json["active"]


async def test_a_revocation_that_cannot_be_written_is_503(servers: Servers, own_redis: RedisProcess) -> None:
    """REV-02: after a 200 the client would believe that the token is dead."""
    auth = await servers.auth(own_redis.url)
    member = await log_in(auth)
    own_redis.pause()
    for token in (member.access, member.refresh, "A" * 43):
        started = perf_counter()
        answer = await auth.post("/oauth/revoke", form={"token": token, "client_id": WEB})
        assert (503, "temporarily_unavailable") == error_of(answer)
        assert int(answer.headers["Retry-After"]) >= 1
        assert perf_counter() - started < 0.3
    own_redis.resume()


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/introspect"])
async def test_without_its_store_nothing_is_decided(servers: Servers, own_redis: RedisProcess, path: str) -> None:
    auth = await servers.auth(own_redis.url)
    member = await log_in(auth)
    own_redis.pause()
    form = {"grant_type": "refresh_token", "refresh_token": member.refresh, "token": member.access}
    started = perf_counter()
    client: Any = {"client": RESOURCE} if path == "/oauth/introspect" else {}
    answer = await auth.post(path, form=form | ({} if client else {"client_id": WEB}), **client)
    assert (503, "temporarily_unavailable") == error_of(answer)
    assert perf_counter() - started < 0.3
    own_redis.resume()


async def test_no_token_and_no_secret_is_logged(auth: Server, logged: list[Any]) -> None:
    member = await log_in(auth)
    again = await refreshed(auth, member.refresh)
    await introspected(auth, again.access)
    await revoke(auth, again.refresh)
    await auth.post("/oauth/token", form=CLIENT_CREDENTIALS, client=SERVICE)
    await auth.post("/oauth/token", form=CLIENT_CREDENTIALS, client=("demo-service", "a-wrong-secret"))
    events = {event["event"] for event in logged}
    assert {"login.succeeded", "refresh.succeeded", "revoke.family", "client.token", "client.refused"} <= events
    text = json.dumps(logged, default=str)
    secrets = (member.access, member.refresh, again.access, again.refresh, *CLIENTS.values(), "a-wrong-secret")
    assert [] == [secret for secret in secrets if secret in text]
