"""Lesson 4: anyone can read a token; a session id says nothing."""

import json

from core.accounts import DEMO_PASSWORDS
from lab.by_hand import base64url_decode
from lab.explanation import explain
from lab.meanings import meaning_of_claim, meaning_of_header
from lab.signature_checks import NoKey
from lab.tour.guide import Guide
from lab.tour.lesson import Lesson
from lab.transcript import shortened


def _run(guide: Guide) -> None:
    token = guide.token().access_token
    guide.tell.say(f"A token is three parts with dots between: {shortened(token)}. No key is needed to read it:")
    explanation = explain(token, NoKey())
    for name, value in explanation.header.items():
        guide.tell.detail(f"{name:<10} {json.dumps(value):<48} {meaning_of_header(name)}")
    for name, value in explanation.claims.items():
        guide.tell.detail(f"{name:<10} {json.dumps(value):<48} {meaning_of_claim(name, value)}")
    payload = json.loads(base64url_decode(token.split(".")[1]))
    guide.tell.expect("read without any key: the subject", "alice", payload["sub"])
    guide.tell.expect("read without any key: the roles", ["user"], payload["roles"])
    guide.tell.check("it carries no password", holds=DEMO_PASSWORDS["alice"] not in json.dumps(payload))
    session = guide.session(guide.sessions[0])
    session_id = session.cookie.partition("=")[2]
    guide.tell.say(f"A session id is 256 random bits: {shortened(session_id)}. What it stands for is in the store.")
    guide.tell.expect("bits in the session id", 256, 8 * len(base64url_decode(session_id)))
    with_token = len(guide.ask(guide.resources[0], guide.token()).request)
    with_cookie = len(guide.ask(guide.sessions[0], session).request)
    guide.tell.detail(f"bytes of the same request: {with_token} with the token, {with_cookie} with the cookie")
    guide.tell.check("the request with the token is the larger one", holds=with_token > with_cookie)
    guide.tell.point("a JWT is signed, not encrypted: put nothing in it that its bearer may not read.")


LESSON = Lesson(
    4,
    "What is inside a token",
    "Signed, not encrypted: who can read it, and who can make it?",
    _run,
    needs=("plain-jwt", "redis-session"),
)
