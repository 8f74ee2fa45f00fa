"""Lesson 5: whoever changes a token, in whatever way, breaks its signature or its form."""

import json
from collections.abc import Iterator
from dataclasses import replace

from lab.by_hand import ALPHABET, base64url_decode, base64url_encode, compact_json, hmac_sha256
from lab.clients import SessionLogin
from lab.tour.guide import CHECKS_HEADER, Guide
from lab.tour.lesson import Lesson
from lab.wire import Exchange


def _run(guide: Guide) -> None:
    server = guide.resources[0]
    token = guide.token()
    guide.tell.expect("the token as it was issued", 200, guide.ask(server, token).status)
    guide.tell.say("Now alice makes herself an admin, in every way that has ever worked somewhere.")
    bodies = set()
    for name, forged in _forgeries(token.access_token):
        answer = guide.ask(server, replace(token, access_token=forged), and_why=True)
        guide.tell.expect(name, 401, answer.status)
        guide.tell.detail(_deciding_check(answer))
        bodies.add(answer.body)
    guide.tell.show(answer)
    guide.tell.expect("different answers to all of these", 1, len(bodies))
    _session(guide)
    guide.tell.point("a forger learns only that it did not work. The log of the server knows which check it was.")


def _forgeries(token: str) -> Iterator[tuple[str, str]]:
    header_text, payload_text, signature = token.split(".")
    header, claims = (json.loads(base64url_decode(part)) for part in (header_text, payload_text))
    as_admin = base64url_encode(compact_json({**claims, "roles": ["admin"]}))
    unsigned = f"{base64url_encode(compact_json({**header, 'alg': 'none'}))}.{as_admin}"
    guessed = f"{header_text}.{as_admin}"
    unknown = f"{base64url_encode(compact_json({**header, 'kid': 'mine'}))}.{as_admin}"
    yield "roles changed, signature kept", f"{header_text}.{as_admin}.{signature}"
    yield "alg none, signature kept", f"{unsigned}.{signature}"
    yield "alg none, no signature", f"{unsigned}."
    yield "signed with a guessed secret", f"{guessed}.{_mac(b'secret', guessed)}"
    yield "signed with a key of my own", f"{unknown}.{_mac(b'mine', unknown)}"
    yield "one bit of the signature flipped", f"{header_text}.{payload_text}.{_flipped(signature)}"
    yield "padded with =", f"{token}="


def _mac(secret: bytes, signing_input: str) -> str:
    return base64url_encode(hmac_sha256(secret, signing_input.encode()))


def _flipped(text: str) -> str:
    return ALPHABET[ALPHABET.index(text[0]) ^ 1] + text[1:]


def _deciding_check(answer: Exchange) -> str:
    checks = answer.header(CHECKS_HEADER)
    return f"the server's checks: {checks}" if checks else f"the server says only: {answer.header('WWW-Authenticate')}"


def _session(guide: Guide) -> None:
    server = guide.sessions[0]
    session = guide.session(server)
    name, _, session_id = session.cookie.partition("=")
    forged = SessionLogin(f"{name}={_flipped(session_id)}", session.csrf_token)
    guide.tell.say("On the session side there is nothing to change: another id is just another id.")
    guide.tell.expect("one bit of the session id flipped", 401, guide.ask(server, forged).status)


LESSON = Lesson(
    5, "Tampering", "What if alice writes “admin” into her own token?", _run, needs=("plain-jwt", "redis-session")
)
