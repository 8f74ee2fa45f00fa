"""Clients that other people wrote talk to our servers, unmodified: PyJWT's key client, authlib, curl."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session

from lab.processes import RedisProcess, ServerProcess, free_port
from tests.support.environments import AUDIENCE, CLIENTS, auth_environment, session_environment


@pytest.fixture
def auth(shared_redis: RedisProcess, redis: Any, tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    """Run an auth server as a process of its own; the algorithm comes from the test."""
    _ = redis
    port = free_port()
    algorithm = getattr(request, "param", "ES256")
    environment = auth_environment(
        shared_redis.url,
        AUTH_ISSUER=f"http://127.0.0.1:{port}",
        AUTH_ALGORITHM=algorithm,
        AUTH_KEYS_DIR=str(tmp_path / "keys"),
    )
    with ServerProcess("auth", "auth_server", environment, port).start() as server:
        server.wait_ready()
        yield server


def _login(url: str) -> dict[str, Any]:
    credentials = {"username": "alice", "password": "alice-demo-password"}
    answer: dict[str, Any] = requests.post(f"{url}/login", json=credentials, timeout=5).json()
    return answer


def _metadata(url: str) -> dict[str, Any]:
    answer: dict[str, Any] = requests.get(f"{url}/.well-known/oauth-authorization-server", timeout=5).json()
    return answer


@pytest.mark.parametrize("auth", ["ES256", "RS256"], indirect=True)
def test_pyjwt_finds_the_key_and_decodes(auth: ServerProcess) -> None:
    """PyJWT knows no `Ed25519`; the other two it takes from the published set."""
    token = _login(auth.url)["access_token"]
    key = jwt.PyJWKClient(_metadata(auth.url)["jwks_uri"]).get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key, algorithms=["ES256", "RS256"], audience=AUDIENCE, issuer=auth.url)
    assert ("alice", "authlab-web") == (claims["sub"], claims["client_id"])


def test_authlib_refreshes_revokes_and_introspects(auth: ServerProcess) -> None:
    metadata = _metadata(auth.url)
    web = OAuth2Session("authlab-web", token_endpoint_auth_method="none", token=_login(auth.url))
    refreshed = web.refresh_token(metadata["token_endpoint"])
    assert "Bearer" == refreshed["token_type"]

    resource = OAuth2Session("demo-resource", CLIENTS["demo-resource"])

    def introspected(token: str) -> dict[str, Any]:
        answer: dict[str, Any] = resource.introspect_token(metadata["introspection_endpoint"], token=token).json()
        return answer

    before = introspected(refreshed["access_token"])
    assert (True, "alice") == (before["active"], before["sub"])
    revoked = web.revoke_token(metadata["revocation_endpoint"], token=refreshed["refresh_token"])
    assert 200 == revoked.status_code
    assert {"active": False} == introspected(refreshed["access_token"]), "the family's access tokens end with it"
    with pytest.raises(Exception, match="invalid_grant"):
        web.refresh_token(metadata["token_endpoint"], refresh_token=refreshed["refresh_token"])


def test_authlib_gets_a_token_for_a_service(auth: ServerProcess) -> None:
    service = OAuth2Session("demo-service", CLIENTS["demo-service"], scope="orders:read")
    token = service.fetch_token(_metadata(auth.url)["token_endpoint"], grant_type="client_credentials")
    assert "orders:read" == token["scope"]
    claims = jwt.decode(token["access_token"], options={"verify_signature": False})
    assert "client:demo-service" == claims["sub"], "a client can never be taken for a user of the same name"


def test_curl_keeps_the_session_in_its_cookie_jar(shared_redis: RedisProcess, redis: Any, tmp_path: Path) -> None:
    _ = redis
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    jar = tmp_path / "cookies"

    def run(*arguments: str) -> tuple[int, Any]:
        command = [curl, "-sS", "-b", str(jar), "-c", str(jar), "-w", "\n%{http_code}", *arguments]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        body, _, status = out.rpartition("\n")
        return int(status), json.loads(body) if body else None

    environment = session_environment("redis-session", shared_redis.url)
    with ServerProcess("session", "session_server", environment, free_port()).start() as server:
        server.wait_ready()
        login = json.dumps({"username": "alice", "password": "alice-demo-password"})
        as_json = ("-H", "Content-Type: application/json")
        status, body = run(*as_json, "-d", login, f"{server.url}/login")
        assert 200 == status
        assert "alice" == run(f"{server.url}/me")[1]["sub"]
        order = ("-d", '{"item": "quinces", "quantity": 3}', f"{server.url}/orders")
        assert 403 == run(*as_json, *order)[0], "no CSRF token"
        csrf = ("-H", f"X-CSRF-Token: {body['csrf_token']}")
        assert 201 == run(*as_json, *csrf, *order)[0]
        assert 204 == run(*csrf, "-X", "POST", f"{server.url}/logout")[0]
        assert 401 == run(f"{server.url}/me")[0]
