"""Right before fast: what each arm must prove before it is timed. A wrong answer given quickly is not a result."""

import time
from datetime import timedelta

from bench.arms import Arm
from bench.call import call
from bench.callers import Caller, log_in_to_auth, log_in_to_sessions
from bench.stage import Staged
from resource_server.strategies import STRATEGIES as TOKEN_STRATEGIES
from session_server.strategies import STRATEGIES as SESSION_STRATEGIES

_OK, _NO_CONTENT, _UNAUTHORIZED = 200, 204, 401
_SLACK_S = 0.5


class NotRight(Exception):
    """An arm gave an answer that it must not give; it is not measured, and the run fails."""


class NoAnswer(Exception):
    """Nothing that an arm was asked got 200: there is nothing to measure."""


def prove_right(staged: Staged, auth_url: str) -> None:
    """Check that the good are let in under their own name, the forged are not, and the revoked are not for long."""
    prove_known(staged)
    url = url_of(staged)
    if staged.arm.credential in {"HS256", "opaque", "session"}:
        _prove_revoked(staged.arm, url, auth_url, staged.callers[-1].name)


def prove_known(staged: Staged) -> None:
    """Check what can be checked without ending anybody's login."""
    url, caller = url_of(staged), staged.callers[0]
    _prove_good(staged.arm, url, caller)
    if staged.arm.credential != "none":
        _prove_forged(staged.arm, url, caller)


def revoked_within(strategy: str) -> timedelta | None:
    """Return what a strategy promises about revocation."""
    strategies = {**TOKEN_STRATEGIES, **SESSION_STRATEGIES}
    return strategies[strategy].promise.revoked_within


def log_in_once(arm: Arm, url: str, auth_url: str, name: str) -> Caller:
    """Log one caller in on the side of an arm."""
    if arm.credential == "session":
        return log_in_to_sessions(url, [name])[0]
    return log_in_to_auth(auth_url, [name], opaque=arm.credential == "opaque")[0]


def log_out(arm: Arm, url: str, auth_url: str, caller: Caller, path: str = "/logout") -> None:
    """End a login on the side of an arm; raise NotRight when that is refused."""
    on_sessions = arm.credential == "session"
    headers = {**caller.headers, **(caller.extra if on_sessions else {})}
    status = call(url if on_sessions else auth_url, path, method="POST", headers=headers).status
    if status != _NO_CONTENT:
        raise NotRight(f"{arm.name}: {path} answered {status}")


def _prove_good(arm: Arm, url: str, caller: Caller) -> None:
    reply = call(url, arm.path, headers=caller.headers)
    if reply.status != _OK:
        raise NotRight(f"{arm.name}: a good credential got {reply.status}: {reply.body[:200]!r}")
    if caller.subject not in (None, reply.json().get("sub")):
        raise NotRight(f"{arm.name}: {caller.subject} was taken for {reply.json().get('sub')}")


def _prove_forged(arm: Arm, url: str, caller: Caller) -> None:
    forged = {name: _forge(value) for name, value in caller.headers.items()}
    for headers, what in ((forged, "forged"), ({}, "missing")):
        status = call(url, arm.path, headers=headers).status
        if status != _UNAUTHORIZED:
            raise NotRight(f"{arm.name}: a {what} credential got {status}")


def _forge(value: str) -> str:
    """Change one character, ten from the end: inside a signature, an opaque token or a session id."""
    at = len(value) - 10
    return value[:at] + ("A" if value[at] != "A" else "B") + value[at + 1 :]


def _prove_revoked(arm: Arm, url: str, auth_url: str, name: str) -> None:
    if arm.strategy is None:
        return
    caller = log_in_once(arm, url, auth_url, name)
    _prove_good(arm, url, caller)
    log_out(arm, url, auth_url, caller)
    promised = revoked_within(arm.strategy)
    if promised is None:
        _prove_good(arm, url, caller)  # a promise, too: nothing is looked up, so nothing can have changed
        return
    deadline = time.monotonic() + promised.total_seconds() + _SLACK_S
    while (status := call(url, arm.path, headers=caller.headers).status) != _UNAUTHORIZED:
        if time.monotonic() > deadline:
            raise NotRight(f"{arm.name}: a revoked credential still gets {status} after {promised}")


def url_of(staged: Staged) -> str:
    """Return where the first server of an arm is."""
    host, port = staged.addresses[0]
    return f"http://{host}:{port}"
