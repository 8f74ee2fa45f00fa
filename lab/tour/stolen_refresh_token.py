"""Lesson 10: a refresh token works once; whoever uses it again gives the theft away."""

import time

from lab.clients import refresh, tokens_of
from lab.tour.guide import Guide
from lab.tour.lesson import Lesson

_GRACE_S = 10.0
_MARGIN_S = 0.5


def _run(guide: Guide) -> None:
    login = guide.token()
    stolen = login.refresh_token or ""
    guide.tell.say("alice logs in. A thief copies her refresh token from a backup, and waits.")
    first = refresh(guide.auth.url, stolen)
    used_s = time.monotonic()
    guide.tell.show(first)
    if not guide.tell.expect("alice's client refreshes", 200, first.status):
        return
    successor = tokens_of(first).refresh_token
    guide.tell.check("it got another refresh token", holds=successor != stolen)
    guide.tell.say("An answer can get lost, and two tabs can refresh at once; so a retry gets the same successor.")
    again = refresh(guide.auth.url, stolen)
    guide.tell.expect("a retry within 10 s", 200, again.status)
    guide.tell.check("it gets the same refresh token", holds=tokens_of(again).refresh_token == successor)
    guide.wait(_GRACE_S + _MARGIN_S - (time.monotonic() - used_s), "after 10 s nobody retries any more")
    guide.tell.say("Now the thief comes. A token that was used long ago can only be a copy.")
    theft = refresh(guide.auth.url, stolen)
    guide.tell.show(theft)
    guide.tell.expect("the thief's refresh", "invalid_grant", theft.code)
    after = refresh(guide.auth.url, successor or "")
    guide.tell.expect("alice's own next refresh: the whole family is ended", "invalid_grant", after.code)
    guide.tell.point("nobody can tell the thief from alice, so both are out; alice logs in again, the thief cannot.")


LESSON = Lesson(10, "A stolen refresh token", "Two hold the same refresh token. Who gets the next access token?", _run)
