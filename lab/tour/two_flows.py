"""Lesson 1: the two flows, from credentials to a subject, and what happens without."""

import secrets

from core.accounts import DEMO_PASSWORDS
from lab.clients import session_of, tokens_of, try_login
from lab.tour.guide import Guide
from lab.tour.lesson import Lesson

_ORDER = {"item": "pears", "quantity": 2}


def _run(guide: Guide) -> None:
    _nobody(guide)
    _wrong_credentials(guide)
    _token_flow(guide)
    _session_flow(guide)
    _known_but_not_allowed(guide)
    guide.tell.point(
        "both sides turn credentials into something to carry, and that into a subject. What they carry differs: "
        "a token says who you are, a cookie only names a place where that is written down."
    )


def _nobody(guide: Guide) -> None:
    guide.tell.say("Without a credential nobody is recognised.")
    resource, session = guide.ask(guide.resources[0], None), guide.ask(guide.sessions[0], None)
    guide.tell.show(resource)
    guide.tell.expect("a resource server asked by nobody", 401, resource.status)
    challenge = (resource.header("WWW-Authenticate") or "").partition("=")[0]
    guide.tell.expect("it says what it wants", "Bearer realm", challenge)
    guide.tell.expect("a session server asked by nobody", 401, session.status)


def _wrong_credentials(guide: Guide) -> None:
    guide.tell.say("A wrong password and an unknown user get the same answer, so nobody learns who has an account.")
    nobody = f"nobody-{secrets.token_hex(4)}"
    for server in (guide.auth, guide.sessions[0]):
        wrong, unknown = try_login(server.url, "alice", "wrong"), try_login(server.url, nobody, "wrong")
        guide.tell.expect(f"a wrong password at {server.name}", 401, wrong.status)
        guide.tell.expect("an unknown user gets the same bytes", wrong.body.decode(), unknown.body.decode())


def _token_flow(guide: Guide) -> None:
    guide.tell.say("Token side: the auth server turns user name and password into a signed token.")
    login = try_login(guide.auth.url, "alice", DEMO_PASSWORDS["alice"])
    guide.tell.show(login)
    if guide.tell.expect("login at the auth server", 200, login.status):
        guide.tell.say("The client sends it along itself, in a header, to a server that has never seen the password.")
        me = guide.ask(guide.resources[0], tokens_of(login))
        guide.tell.show(me)
        guide.tell.expect(f"{guide.resources[0].name} takes the caller for", "alice", me.json().get("sub"))


def _session_flow(guide: Guide) -> None:
    guide.tell.say("Session side: the session server turns the same into a cookie, and writes down whose it is.")
    login = try_login(guide.sessions[0].url, "alice", DEMO_PASSWORDS["alice"])
    guide.tell.show(login)
    if guide.tell.expect("login at a session server", 200, login.status):
        guide.tell.say("A browser sends the cookie along by itself.")
        me = guide.ask(guide.sessions[0], session_of(login))
        guide.tell.show(me)
        guide.tell.expect(f"{guide.sessions[0].name} takes the caller for", "alice", me.json().get("sub"))


def _known_but_not_allowed(guide: Guide) -> None:
    guide.tell.say("Who you are is one thing, what you may do another: bob may read orders, not place them.")
    resource, session = guide.resources[0], guide.sessions[0]
    order = guide.ask(resource, guide.token("bob"), "/orders", method="POST", value=_ORDER)
    guide.tell.show(order)
    guide.tell.expect("bob's order at a resource server", 403, order.status)
    order = guide.ask(session, guide.session(session, "bob"), "/orders", method="POST", value=_ORDER)
    guide.tell.expect("bob's order at a session server", 403, order.status)
    order = guide.ask(resource, guide.token("alice"), "/orders", method="POST", value=_ORDER)
    guide.tell.expect("alice's order", 201, order.status)


LESSON = Lesson(
    1,
    "Who are you?",
    "What has to travel before a server believes that you are alice?",
    _run,
    needs=("plain-jwt", "redis-session"),
)
