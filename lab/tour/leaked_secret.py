"""Lesson 11: who can verify with a shared secret can mint with it; a public key only verifies."""

import json
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.by_hand import base64url_decode, base64url_encode, compact_json, hmac_sha256
from lab.clients import TokenLogin, token_login
from lab.explanation import explain
from lab.places import Server
from lab.signature_checks import NoKey
from lab.tour.guide import CHECKS_HEADER, Guide
from lab.tour.lesson import Lesson
from lab.transcript import shortened
from lab.wire import exchange

_AUDIT = "/admin/audit"
_LIFE_S = 120
_SIGNATURE_BYTES = 64


def _run(guide: Guide) -> None:
    secret = guide.places.shared_secret
    if secret is None or not secret.exists():
        guide.tell.skip("the shared secret", "where the resource servers keep it is not known here")
    else:
        _mint(guide, secret)
    auth, verifiers = guide.places.at("auth-ed25519"), guide.places.at("plain-jwt-ed25519")
    if auth and verifiers:
        _public(guide, auth[0], verifiers[0])
    else:
        guide.tell.skip("public keys", "their servers are not running (authlab up --all)")
    guide.tell.point(
        "with a shared secret every verifier can mint. One key per audience keeps the damage to one API; "
        "public keys keep it to nothing, for a slower signature check."
    )


def _mint(guide: Guide, secret: Path) -> None:
    (key, *_) = json.loads(secret.read_text(encoding="utf-8"))["keys"]
    guide.tell.say("This is what a thief finds at any resource server: the key that tokens are verified with.")
    guide.tell.detail(f"{key['alg']} {shortened(key['kid'])}: {shortened(key['k'])}")
    header = {"alg": key["alg"], "kid": key["kid"], "typ": "at+jwt"}
    signing_input = _signing_input(header, _as_root(guide.token()))
    mac = hmac_sha256(base64url_decode(key["k"]), signing_input.encode())
    forged = TokenLogin(f"{signing_input}.{base64url_encode(mac)}", None)
    guide.tell.say("With it, and without asking anybody, the thief signs a token for root.")
    for server in guide.resources:
        answer = guide.ask(server, forged, _AUDIT)
        guide.tell.expect(f"{server.name} shows root's audit log to the thief", 200, answer.status)
    guide.tell.show(answer)


def _public(guide: Guide, auth: Server, verifier: Server) -> None:
    guide.tell.say(
        f"{auth.name} signs with a private key. {verifier.name} holds public keys only; the thief finds one."
    )
    honest = token_login(auth.url, "alice", "alice-demo-password")
    guide.tell.expect(f"alice's own token at {verifier.name}", 200, guide.ask(verifier, honest).status)
    (key, *_) = exchange("GET", f"{auth.url}/.well-known/jwks.json").json()["keys"]
    claims = _as_root(honest)
    header = {"alg": "Ed25519", "kid": key["kid"], "typ": "at+jwt"}
    guessed = f"{_signing_input(header, claims)}.{base64url_encode(secrets.token_bytes(_SIGNATURE_BYTES))}"
    confused = _signing_input({**header, "alg": "HS256"}, claims)
    mac = hmac_sha256(base64url_decode(key["x"]), confused.encode())
    _refused(guide, verifier, "a token for root with a made-up signature", guessed)
    _refused(guide, verifier, "the public key used as an HMAC secret", f"{confused}.{base64url_encode(mac)}")


def _refused(guide: Guide, server: Server, name: str, token: str) -> None:
    answer = guide.ask(server, TokenLogin(token, None), _AUDIT, and_why=True)
    guide.tell.expect(name, 401, answer.status)
    guide.tell.detail(f"the server's checks: {answer.header(CHECKS_HEADER) or 'not told here'}")


def _as_root(login: TokenLogin) -> dict[str, Any]:
    now = int(time.time())
    claims = explain(login.access_token, NoKey()).claims
    own = {"sub": "root", "name": "Root", "roles": ["admin", "user"], "jti": secrets.token_urlsafe(12)}
    return {**{name: value for name, value in claims.items() if name != "sid"}, **own, "iat": now, "exp": now + _LIFE_S}


def _signing_input(header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    return f"{base64url_encode(compact_json(header))}.{base64url_encode(compact_json(claims))}"


LESSON = Lesson(
    11,
    "A leaked secret",
    "Somebody breaks into one resource server. What can they do with what they find there?",
    _run,
    needs=("plain-jwt",),
)
