"""A shared secret that can be guessed from one token (lab 3; `jwt_tool -C`): no server starts with one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from auth_server.settings import AuthSettings
from core.settings import SettingsError, load
from lab.processes import inherited_environment
from resource_server.settings import ResourceSettings
from tests.attacks.forge import b64, signed
from tests.attacks.insider import Insider
from tests.attacks.system import Resource
from tests.attacks.verdicts import assert_refused

# What every dictionary of JWT secrets begins with: words, and what frameworks and tutorials print.
DICTIONARY = (
    "secret", "Secret", "SECRET", "secret123", "secretkey", "secret-key", "secret_key", "mysecret", "my-secret",
    "my_secret", "supersecret", "super-secret", "super_secret", "topsecret", "shhhhh", "shhh", "shared-secret",
    "shared_secret", "your-256-bit-secret", "your-384-bit-secret", "your-512-bit-secret", "your_jwt_secret",
    "your-secret-key", "your-secret", "a-string-secret-at-least-256-bits-long", "jwt", "jwtsecret", "jwt-secret",
    "jwt_secret", "jwt_secret_key", "JWT_SECRET", "jwtkey", "jwt-key", "token", "tokensecret", "token_secret",
    "auth", "authkey", "hmac", "hs256", "HS256", "key", "keys", "mykey", "my-key", "private", "privatekey",
    "private-key", "password", "Password1", "passw0rd", "P@ssw0rd", "letmein", "changeme", "change-me", "changeit",
    "change_this_secret", "CHANGE_ME", "default", "example", "example_key", "test", "testing", "test123", "demo",
    "dev", "development", "local", "staging", "production", "admin", "administrator", "root", "user", "guest", "123",
    "1234", "12345", "123456", "1234567890", "12345678901234567890123456789012", "0", "00000000", "111111", "a",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "abc", "abc123", "abcdef", "qwerty", "foo", "bar", "foobar", "hello",
    "helloworld", "hello world", "nosecret", "none", "null", "undefined", "false", "true", "todo", "TODO", "xxx",
    "app", "appsecret", "app_secret", "api", "apikey", "api_key", "server", "session", "cookie", "express",
    "django-insecure", "django-insecure-change-me", "flask-secret", "SECRET_KEY", "spring", "laravel", "rails",
    "node", "nestjs", "hapi", "NeverShareYourSecret", "keyboard cat", "correct horse battery staple", "AllYourBase",
    "ilovepizza", "authlab", "authlab-secret", "demo-service-secret", "demo-resource-secret", "alice-demo-password",
)  # fmt: skip
PRINTED = (
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",  # RFC 7515 A.1
    "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",  # RFC 7520 §3.5
    "FdFYFzERwC2uCBB46pZQi4GG85LujR8obt-KWRBICVQ",  # RFC 7517 C, and many a README
)
PEM = (
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----"
)
AS_A_SETTING = {
    "nothing": "",
    "31 bytes": b64(os.urandom(31)),
    "a word six times": "secret" * 6,
    "a word six times, encoded": b64("secret" * 6),
    "a passphrase, encoded": b64("correct horse battery staple correct horse battery staple"),
    "zeros": b64(bytes(32)),
    "one byte": b64(b"\xa5" * 64),
    "counted": b64(bytes(range(64))),
    "counted down": b64(bytes(range(255, 191, -1))),
    "two bytes in turn": b64(b"\x17\xe4" * 32),
    "sixteen bytes twice": b64(os.urandom(16) * 2),
    "hexadecimal": os.urandom(32).hex(),
    "hexadecimal, encoded": b64(os.urandom(32).hex()),
    "a UUID": "123e4567-e89b-12d3-a456-426614174000",
    "a PEM file": PEM,
    "a PEM file in one line": PEM.replace("\n", " "),
    "standard base64": "+/" * 30,
    "an SSH key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea",
}


@pytest.mark.parametrize("algorithm", ["HS256"])
def test_no_word_of_the_dictionary_signs(resources: list[Resource], insider: Insider, algorithm: str) -> None:
    words = (*DICTIONARY, *PRINTED)
    tokens = {word: signed(insider.header(), insider.claims(), word.encode(), algorithm) for word in words}
    assert_refused(resources[:1], tokens)
    assert_refused(resources[1:], dict(list(tokens.items())[:20]))


@pytest.mark.parametrize(
    "text", [*AS_A_SETTING.values(), *PRINTED], ids=[*AS_A_SETTING, *(text[:8] for text in PRINTED)]
)
def test_a_guessable_secret_is_no_setting(text: str) -> None:
    with pytest.raises(SettingsError, match="AUTH_MASTER_SECRET"):
        load(AuthSettings, {"AUTH_MASTER_SECRET": text, "AUTHLAB_DEMO": "true"})
    if text:
        with pytest.raises(SettingsError, match="RESOURCE_SHARED_SECRET"):
            load(ResourceSettings, {"RESOURCE_SHARED_SECRET": text})


@pytest.mark.parametrize("repeated", [False, True], ids=["once", "repeated"])
@pytest.mark.parametrize("encoded", [False, True], ids=["plain", "encoded"])
def test_no_word_of_the_dictionary_is_a_setting(*, repeated: bool, encoded: bool) -> None:
    for word in DICTIONARY:
        text = word * (1 + 64 // len(word)) if repeated else word
        with pytest.raises(SettingsError):
            load(AuthSettings, {"AUTH_MASTER_SECRET": b64(text) if encoded else text, "AUTHLAB_DEMO": "true"})


def test_a_random_secret_is_a_setting() -> None:
    for _ in range(1000):
        load(AuthSettings, {"AUTH_MASTER_SECRET": b64(os.urandom(32))})


@pytest.mark.parametrize("server", ["auth_server", "resource_server"])
def test_the_process_ends_with_one_line_that_names_the_setting_and_not_its_value(server: str, tmp_path: Path) -> None:
    weak = b64("secret-secret-secret-secret-secret")
    path = tmp_path / "secret"
    path.write_text(weak)
    path.chmod(0o600)
    variable = {"auth_server": "AUTH_MASTER_SECRET", "resource_server": "RESOURCE_SHARED_SECRET"}[server]
    ended = subprocess.run(
        [sys.executable, "-m", server],
        env=inherited_environment() | {f"{variable}_FILE": str(path), "AUTHLAB_DEMO": "true", "PORT": "0"},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (2, 1, "") == (ended.returncode, ended.stderr.count("\n"), ended.stdout)
    assert variable in ended.stderr
    assert weak not in ended.stderr
