"""Every start that must not succeed ends in one line that says what is wrong, and exit code 2."""

import base64
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web
from argon2 import PasswordHasher

import auth_server.app
import resource_server.app
import session_server.app
from auth_server.settings import AuthSettings
from core.process import main
from resource_server.settings import ResourceSettings
from session_server.settings import SessionSettings
from tests.support.environments import DEMO, MASTER, auth_environment, resource_environment, session_environment


@dataclass(frozen=True)
class Program:
    """One server: good settings, their type, and what builds it."""

    environment: Callable[[], dict[str, str]]
    settings: type[Any]
    create_app: Callable[[Any], web.Application]


PROGRAMS: Mapping[str, Program] = {
    "auth_server": Program(auth_environment, AuthSettings, auth_server.app.create_app),
    "resource_server": Program(resource_environment, ResourceSettings, resource_server.app.create_app),
    "session_server": Program(
        lambda: session_environment("memory-session"), SessionSettings, session_server.app.create_app
    ),
}


@dataclass(frozen=True)
class Start:
    """One start that must fail: what is changed in good settings, the exit code, and a word of the line."""

    program: str
    changes: dict[str, str]
    code: int
    says: str


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


SECRETS = {
    "none": ("", "is missing"),
    "of 31 bytes": (_text(os.urandom(31)), "31 bytes"),
    "one byte again and again": (_text(b"\x07" * 32), "not random"),
    "counting": (_text(bytes(range(32))), "not random"),
    "a word again and again": (_text(b"secret" * 6), "not random"),
    "a passphrase": (_text(b"correct horse battery staple, correct!"), "not random"),
    "a dictionary's": ("your-256-bit-secret", "not base64url"),
    "an example of a standard": (
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
        "standard",
    ),
    "a key file": ("-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYI\n-----END PUBLIC KEY-----", "PEM"),
    "not base64url": ("+/+/" * 16, "base64url"),
}


@pytest.fixture(scope="module")
def starts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Start]:
    """Return every start by name."""
    directory = tmp_path_factory.mktemp("settings")
    private, public, demo_people, demo_clients = [
        directory / name for name in ("private", "public", "people", "clients")
    ]
    for path, mode in ((private, 0o600), (public, 0o644)):
        path.write_text(MASTER, encoding="utf-8")
        path.chmod(mode)
    password_hash = PasswordHasher(1, 8, 1).hash("alice-demo-password")
    demo_people.write_text(f'[accounts.alice]\npassword_hash = "{password_hash}"\n', encoding="utf-8")
    demo_clients.write_text('[clients.authlab-web]\ngrants = ["refresh_token"]\n', encoding="utf-8")
    in_earnest = {**dict.fromkeys(DEMO, ""), "AUTH_CLIENTS_FILE": str(demo_clients)}
    found = {
        f"auth: a master secret: {name}": Start(
            "auth_server", {"AUTH_MASTER_SECRET": secret}, 2, f"AUTH_MASTER_SECRET;{says}"
        )
        for name, (secret, says) in SECRETS.items()
    }
    found |= {
        f"resource: a shared secret: {name}": Start(
            "resource_server",
            {"RESOURCE_SHARED_SECRET": SECRETS[name][0]},
            2,
            f"RESOURCE_SHARED_SECRET;{SECRETS[name][1]}",
        )
        for name in ("none", "of 31 bytes", "a word again and again")
    }
    return found | {
        "a secret as value and as file": Start(
            "auth_server", {"AUTH_MASTER_SECRET_FILE": str(private)}, 2, "AUTH_MASTER_SECRET;more than once"
        ),
        "a secret that everyone can read": Start(
            "auth_server", {"AUTH_MASTER_SECRET": "", "AUTH_MASTER_SECRET_FILE": str(public)}, 2, "read by everyone"
        ),
        "a secret file that is not there": Start(
            "auth_server",
            {"AUTH_MASTER_SECRET": "", "AUTH_MASTER_SECRET_FILE": "/nowhere/master"},
            2,
            "/nowhere/master",
        ),
        "nobody who could log in": Start("auth_server", in_earnest, 2, "AUTH_ACCOUNTS_FILE is missing"),
        "demo accounts in earnest": Start(
            "auth_server", {**in_earnest, "AUTH_ACCOUNTS_FILE": str(demo_people)}, 2, "demo password"
        ),
        "no clients in earnest": Start("auth_server", {**in_earnest, "AUTH_CLIENTS_FILE": ""}, 2, "AUTH_CLIENTS_FILE"),
        "cheap hashes in earnest": Start(
            "auth_server", {**in_earnest, "LOGIN_HASH_MEMORY_KIB": "8"}, 2, "LOGIN_HASH_MEMORY_KIB"
        ),
        "demo accounts in earnest, session side": Start(
            "session_server", {**in_earnest, "SESSION_ACCOUNTS_FILE": str(demo_people)}, 2, "demo password"
        ),
        "plain HTTP in earnest": Start(
            "auth_server", {**in_earnest, "AUTH_ISSUER": "http://auth.example"}, 2, "AUTH_ISSUER must be https"
        ),
        "an unknown algorithm": Start("auth_server", {"AUTH_ALGORITHM": "none"}, 2, "AUTH_ALGORITHM"),
        "a strategy that is none, token side": Start(
            "resource_server", {"RESOURCE_STRATEGY": "magic"}, 2, "RESOURCE_STRATEGY;plain-jwt"
        ),
        "a strategy that is none, session side": Start(
            "session_server", {"SESSION_STRATEGY": "magic"}, 2, "SESSION_STRATEGY;redis-session"
        ),
        "a strategy without its store": Start(
            "resource_server", {"RESOURCE_STRATEGY": "pushed-jwt"}, 2, "RESOURCE_REDIS_URL is missing"
        ),
        "sessions without their store": Start(
            "session_server", {"SESSION_STRATEGY": "redis-session"}, 2, "SESSION_REDIS_URL is missing"
        ),
        "a memory in two processes": Start("session_server", {"WORKERS": "2"}, 2, "WORKERS must be 1"),
        "a port that is none": Start("resource_server", {"PORT": "http"}, 2, "PORT"),
        "a cookie that no browser takes": Start(
            "session_server", {"SESSION_COOKIE_NAME": "__Host-x"}, 2, "SESSION_COOKIE_NAME"
        ),
    }


def _check(name: str, start: Start, code: object, out: str, errors: str) -> None:
    assert (start.code, "") == (code, out), name
    (line,) = errors.splitlines()
    assert line.startswith(f"{start.program}: "), name
    for word in start.says.split(";"):
        assert word in line, f"{name}: {line}"
    for secret in (MASTER, *(value for value, _ in SECRETS.values() if value)):
        assert secret not in line, f"{name}: the line tells the secret"


def test_every_start_that_must_fail_says_why_in_one_line(
    starts: dict[str, Start], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of this happens before there is an event loop, so it needs no process for each."""
    assert len(starts) > 25
    for name, start in starts.items():
        program = PROGRAMS[start.program]
        with monkeypatch.context() as patch:
            for variable, value in {**program.environment(), "PORT": "1", **start.changes}.items():
                patch.setenv(variable, value)
            patch.setattr(sys, "argv", [start.program])
            with pytest.raises(SystemExit) as ended:
                main(start.program, program.settings, program.create_app)
        _check(name, start, ended.value.code, *capsys.readouterr())


def test_no_option_takes_a_secret(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`ps` shows command lines to everyone."""
    monkeypatch.setattr(sys, "argv", ["auth_server", "--help"])
    with pytest.raises(SystemExit):
        main("auth_server", AuthSettings, auth_server.app.create_app)
    options = capsys.readouterr().out
    assert "--workers" in options
    assert "secret" not in options.lower()
