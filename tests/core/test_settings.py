import json
from pathlib import Path

import pytest

from auth_server.settings import AuthSettings
from core.keys import secret_jwk
from core.settings import ServerSettings, SettingsError, load
from core.strict_json import base64url_text
from resource_server.settings import ResourceSettings
from session_server.settings import SessionSettings
from tests.core.test_keys import WEAK
from tests.support.environments import (
    MASTER,
    auth_environment,
    resource_environment,
    session_environment,
    shared_secret,
)

ENVIRONMENTS: dict[type[ServerSettings], dict[str, str]] = {
    AuthSettings: auth_environment(),
    ResourceSettings: resource_environment(),
    SessionSettings: session_environment(redis_url="redis://127.0.0.1:1/0"),
}


def why_refused(settings_type: type[ServerSettings], **changes: str) -> str:
    """Return the line that a start with these settings ends in."""
    with pytest.raises(SettingsError) as refused:
        load(settings_type, {**ENVIRONMENTS[settings_type], **changes})
    line = str(refused.value)
    assert "\n" not in line
    return line


@pytest.mark.parametrize("settings_type", ENVIRONMENTS)
def test_good_settings_are_taken(settings_type: type[ServerSettings]) -> None:
    assert "server-of-a-test" == load(settings_type, ENVIRONMENTS[settings_type]).name


WRONG: list[tuple[type[ServerSettings], dict[str, str], str]] = [
    (AuthSettings, {"PORT": "http"}, "PORT"),
    (AuthSettings, {"PORT": "70000"}, "PORT"),
    (AuthSettings, {"WORKERS": "0"}, "WORKERS"),
    (AuthSettings, {"NAME": "a b"}, "NAME"),
    (AuthSettings, {"LOG_LEVEL": "loud"}, "LOG_LEVEL"),
    (AuthSettings, {"LOG_FORMAT": "xml"}, "LOG_FORMAT"),
    (AuthSettings, {"SERVER_TIMING": "perhaps"}, "SERVER_TIMING"),
    (AuthSettings, {"AUTHLAB_DEMO": "false", "CLOCK_OFFSET_S": "60"}, "CLOCK_OFFSET_S"),
    (AuthSettings, {"AUTHLAB_DEMO": "false"}, "LOGIN_"),
    (AuthSettings, {"LOGIN_HASH_MEMORY_KIB": "7"}, "LOGIN_HASH_MEMORY_KIB"),
    (AuthSettings, {"AUTH_ISSUER": "auth.example"}, "AUTH_ISSUER"),
    (AuthSettings, {"AUTH_ISSUER": "http://a/?x=1"}, "AUTH_ISSUER"),
    (AuthSettings, {"AUTH_ISSUER": "http://a/#x"}, "AUTH_ISSUER"),
    (AuthSettings, {"AUTH_ISSUER": "file:///etc/passwd"}, "AUTH_ISSUER"),
    (AuthSettings, {"AUTH_AUDIENCES": " , "}, "AUTH_AUDIENCES"),
    (AuthSettings, {"AUTH_ALGORITHM": "none"}, "AUTH_ALGORITHM"),
    (AuthSettings, {"AUTH_ALGORITHM": "hs256"}, "AUTH_ALGORITHM"),
    (AuthSettings, {"AUTH_MASTER_SECRET": ""}, "AUTH_MASTER_SECRET"),
    (AuthSettings, {"AUTH_ALGORITHM": "ES256"}, "AUTH_KEYS_DIR"),
    (AuthSettings, {"AUTH_ACCESS_TTL_S": "0"}, "AUTH_ACCESS_TTL_S"),
    (ResourceSettings, {"RESOURCE_JWKS_URL": "file:///keys"}, "RESOURCE_JWKS_URL"),
    (ResourceSettings, {"RESOURCE_AUDIENCE": "x" * 256}, "RESOURCE_AUDIENCE"),
    (ResourceSettings, {"RESOURCE_TOKEN_CACHE": "-1"}, "RESOURCE_TOKEN_CACHE"),
    (ResourceSettings, {"RESOURCE_FEED_MAX_STALE_S": "0"}, "RESOURCE_FEED_MAX_STALE_S"),
    (ResourceSettings, {"RESOURCE_SHARED_SECRET": '{"keys": []}'}, "RESOURCE_SHARED_SECRET"),
    (ResourceSettings, {"RESOURCE_SHARED_SECRET": '{"keys": [{"kty": "RSA"}]}'}, "RESOURCE_SHARED_SECRET"),
    (SessionSettings, {"SESSION_COOKIE_NAME": "a b"}, "SESSION_COOKIE_NAME"),
    (SessionSettings, {"SESSION_COOKIE_NAME": "a;b"}, "SESSION_COOKIE_NAME"),
    (SessionSettings, {"SESSION_COOKIE_NAME": "__Host-session"}, "SESSION_COOKIE_NAME"),
    (SessionSettings, {"SESSION_IDLE_TTL_S": "0"}, "SESSION_IDLE_TTL_S"),
    (SessionSettings, {"SESSION_STRATEGY": "memory-session", "WORKERS": "2"}, "WORKERS"),
]


@pytest.mark.parametrize(("settings_type", "changes", "named"), WRONG, ids=lambda value: str(value)[:60])
def test_a_wrong_setting_is_named_in_one_line(
    settings_type: type[ServerSettings], changes: dict[str, str], named: str
) -> None:
    assert named in why_refused(settings_type, **changes)


@pytest.mark.parametrize("name", [name for name in WEAK if WEAK[name]])
def test_a_weak_secret_stops_the_start_and_is_not_repeated(name: str) -> None:
    for settings_type, variable in ((AuthSettings, "AUTH_MASTER_SECRET"), (ResourceSettings, "RESOURCE_SHARED_SECRET")):
        line = why_refused(settings_type, **{variable: WEAK[name]})
        assert variable in line
        assert WEAK[name] not in line


@pytest.mark.parametrize(
    ("settings_type", "variable", "url"),
    [
        (AuthSettings, "AUTH_ISSUER", "http://auth.example"),
        (ResourceSettings, "RESOURCE_JWKS_URL", "http://auth.example/keys"),
        (ResourceSettings, "RESOURCE_INTROSPECTION_URL", "http://auth.example/oauth/introspect"),
    ],
)
def test_plain_http_is_for_loopback_and_demos(settings_type: type[ServerSettings], variable: str, url: str) -> None:
    serious = {
        "AUTHLAB_DEMO": "false",
        "LOGIN_HASH_MEMORY_KIB": "",
        "LOGIN_RATE_PER_ADDRESS": "",
        "LOGIN_RATE_OVERALL": "",
    }
    assert variable in why_refused(settings_type, **serious, **{variable: url})
    for good in (
        url.replace("http:", "https:"),
        url.replace("auth.example", "127.0.0.1"),
        url.replace("auth.example", "[::1]"),
    ):
        load(settings_type, {**ENVIRONMENTS[settings_type], **serious, variable: good})
    load(settings_type, {**ENVIRONMENTS[settings_type], variable: url})


def secret_file(tmp_path: Path, text: str = MASTER, mode: int = 0o600) -> Path:
    path = tmp_path / "master"
    path.write_text(text + "\n")
    path.chmod(mode)
    return path


def auth_without_secret(**more: str) -> dict[str, str]:
    environment = auth_environment()
    del environment["AUTH_MASTER_SECRET"]
    return {**environment, **more}


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o440, 0o640])
def test_a_secret_may_come_from_a_file(tmp_path: Path, mode: int) -> None:
    path = secret_file(tmp_path, mode=mode)
    settings = load(AuthSettings, auth_without_secret(AUTH_MASTER_SECRET_FILE=str(path)))
    assert path == settings.secret_file("auth_master_secret")
    assert load(AuthSettings, auth_environment()).master() == settings.master()


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o666, 0o601])
def test_a_secret_file_that_everyone_may_open_is_refused(tmp_path: Path, mode: int) -> None:
    path = secret_file(tmp_path, mode=mode)
    with pytest.raises(SettingsError, match=r"AUTH_MASTER_SECRET_FILE .* everyone"):
        load(AuthSettings, auth_without_secret(AUTH_MASTER_SECRET_FILE=str(path)))


def test_a_secret_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    binary, directory = tmp_path / "binary", tmp_path / "directory"
    binary.write_bytes(b"\xff\xfe")
    binary.chmod(0o600)
    directory.mkdir(mode=0o700)
    for path in (tmp_path / "missing", binary, directory):
        with pytest.raises(SettingsError, match=rf"AUTH_MASTER_SECRET_FILE {path} cannot be read"):
            load(AuthSettings, auth_without_secret(AUTH_MASTER_SECRET_FILE=str(path)))


def test_a_secret_given_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = secret_file(tmp_path)
    line = why_refused(AuthSettings, AUTH_MASTER_SECRET_FILE=str(path))
    assert "AUTH_MASTER_SECRET is given more than once" in line
    monkeypatch.setattr("core.settings.SECRETS_DIR", tmp_path)
    path.rename(tmp_path / "auth_master_secret")
    assert "more than once" in why_refused(AuthSettings)


def test_a_secret_is_found_in_the_secrets_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.settings.SECRETS_DIR", tmp_path)
    secret_file(tmp_path).rename(tmp_path / "auth_master_secret")
    assert load(AuthSettings, auth_without_secret()).master() is not None


def test_an_empty_variable_counts_as_none() -> None:
    settings = load(AuthSettings, auth_environment(PORT="", AUTH_ACCESS_TTL_S=""))
    assert (8471, 300) == (settings.port, settings.auth_access_ttl_s)


@pytest.mark.parametrize("settings_type", ENVIRONMENTS)
def test_settings_show_no_secret(settings_type: type[ServerSettings]) -> None:
    settings = load(settings_type, {**ENVIRONMENTS[settings_type], "LAB_SECRET": "the-lab-secret"})
    shown = f"{settings} {settings!r} {settings.model_dump()}"
    secrets = [MASTER, base64url_text(shared_secret()), "the-lab-secret"]
    assert [] == [secret for secret in secrets if secret in shown]


def test_settings_cannot_be_changed() -> None:
    settings = load(AuthSettings, auth_environment())
    with pytest.raises(ValueError, match="frozen"):
        settings.port = 1  # type: ignore[misc] # that is the point


def test_a_set_of_shared_secrets_is_read() -> None:
    secrets = json.dumps({"keys": [secret_jwk(shared_secret()), secret_jwk(shared_secret("x"))]})
    settings = load(ResourceSettings, resource_environment(RESOURCE_SHARED_SECRET=secrets))
    assert 2 == len(settings.shared_secret_ring())


def test_the_clock_can_be_moved_in_a_demo() -> None:
    straight, moved = (
        load(AuthSettings, auth_environment(CLOCK_OFFSET_S=offset)).clock()() for offset in ("0", "3600")
    )
    assert abs(3600 - (moved - straight)) < 1


def test_the_cookies_name_binds_it_to_the_host_where_it_can() -> None:
    secure = load(SessionSettings, session_environment(redis_url="redis://x", SESSION_COOKIE_SECURE="true"))
    assert ("__Host-session", "session") == (
        secure.cookie_name(),
        load(SessionSettings, session_environment(redis_url="redis://x")).cookie_name(),
    )
