"""Lesson 13: a role is taken away, and some servers still grant what the old credential says."""

import secrets
from http import HTTPStatus

from lab.clients import TokenLogin, session_login, token_login
from lab.tour.guide import Guide
from lab.tour.lesson import Lesson

_NAME = "dora"
_AUDIT = "/admin/audit"


def _run(guide: Guide) -> None:
    root = guide.token("root")
    password = _make_admin(guide, root)
    if password is None:
        return
    token = token_login(guide.auth.url, _NAME, password)
    server = guide.sessions[0]
    session = session_login(server.url, _NAME, password)
    guide.tell.say(f"{_NAME} is an admin on both sides.")
    guide.tell.expect("her token opens the audit log", 200, guide.ask(guide.resources[0], token, _AUDIT).status)
    guide.tell.expect("her session opens the audit log", 200, guide.ask(server, session, _AUDIT).status)
    guide.tell.say("root takes the role away. The auth server ends her logins; the session servers are told too.")
    change = guide.ask(guide.auth, root, f"/admin/accounts/{_NAME}/roles", method="POST", value={"roles": ["user"]})
    guide.tell.show(change)
    guide.tell.expect("root sets her roles", 200, change.status)
    path = f"/admin/accounts/{_NAME}/end-sessions"
    ended = guide.ask(server, guide.session(server, "root"), path, method="POST")
    guide.tell.expect("root ends her sessions", 204, ended.status)
    _who_still_believes(guide, token)
    guide.tell.expect("her session", 401, guide.ask(server, session, _AUDIT).status)
    fresh = token_login(guide.auth.url, _NAME, password)
    guide.tell.expect("a token of a new login", 403, guide.ask(guide.resources[0], fresh, _AUDIT).status)
    guide.ask(guide.auth, root, f"/admin/accounts/{_NAME}/disable", method="POST")
    guide.tell.point("what a token says was true when it was made. A short life, or a lookup, bounds how long ago.")


def _make_admin(guide: Guide, root: TokenLogin) -> str | None:
    """Make the account an admin with a password of this walk's own, whether it exists from an earlier one or not."""
    password = secrets.token_urlsafe(12)
    roles = {"roles": ["admin", "user"]}
    new = {"username": _NAME, "name": "Dora", "password": password, **roles}
    added = guide.ask(guide.auth, root, "/admin/accounts", method="POST", value=new)
    if added.status != HTTPStatus.CONFLICT:
        return password if guide.tell.expect(f"root adds the account {_NAME}", 201, added.status) else None
    account = f"/admin/accounts/{_NAME}"
    answers = [
        guide.ask(guide.auth, root, f"{account}/enable", method="POST"),
        guide.ask(guide.auth, root, f"{account}/password", method="POST", value={"password": password}),
        guide.ask(guide.auth, root, f"{account}/roles", method="POST", value=roles),
    ]
    made = [answer.status for answer in answers]
    return password if guide.tell.expect(f"root makes {_NAME} an admin again", [200, 200, 200], made) else None


def _who_still_believes(guide: Guide, token: TokenLogin) -> None:
    still = guide.ask(guide.resources[0], token, _AUDIT)
    guide.tell.show(still)
    guide.tell.expect("her old token at a plain-jwt server: the claim is stale, and believed", 200, still.status)
    for strategy in ("denylisted-jwt", "introspected-token"):
        for server in guide.places.at(strategy):
            guide.tell.expect(f"her old token at {server.name}", 401, guide.ask(server, token, _AUDIT).status)


LESSON = Lesson(
    13, "Stale claims", "An admin is demoted. When do the servers notice?", _run, needs=("plain-jwt", "redis-session")
)
