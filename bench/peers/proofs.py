"""Before a peer is measured it must refuse what ours refuse: a token that expired, and a session that ended.

The token expires after it was accepted, so that a cache has it. That forged ones are refused is proved in every batch.
"""

import math
import time
from collections.abc import Sequence

import jwt

from bench.arms import Arm
from bench.call import call
from bench.callers import Caller
from bench.ground import Ground, GroundPlan
from bench.peers.arms import PEER_ARMS, shared_secret
from bench.proofs import NotRight, log_out, prove_known, url_of
from bench.run import Run
from bench.stage import Stage, Staged
from core.strict_json import base64url_bytes

_PLANNED_S = 20.0
_LIFE_S = 3  # whole seconds: some libraries cut their clock, or the end, to those
_OK, _UNAUTHORIZED = 200, 401


def planned_s(_run: Run) -> float:
    """Return how long it should take."""
    return _PLANNED_S


def prove_peers(run: Run) -> None:
    """Set every peer of a run up once, for one caller, and have it prove what it refuses; raise NotRight."""
    run.progress.begin("peers prove what they refuse")
    with Ground(run.directory(), GroundPlan(callers=1), run.placement) as ground:
        ground.start_auth_servers()
        staged = Stage(ground).set_up(_guarded_peers(run.arms))
        for one in staged:
            prove_known(one)
        prove_expiry([one for one in staged if one.arm.credential == "HS256"], base64url_bytes(shared_secret(ground)))
        for one in staged:
            if one.arm.credential == "session":
                prove_logout(one)
    run.progress.advance(_PLANNED_S)


def _guarded_peers(arms: Sequence[Arm]) -> list[Arm]:
    names = {arm.name for arm in PEER_ARMS if arm.credential != "none"}
    return [arm for arm in arms if arm.name in names]


def prove_expiry(staged: Sequence[Staged], secret: bytes, life_s: int = _LIFE_S) -> None:
    """Sign a caller's own claims again with an end that is near: good until then, and refused from then on."""
    if not staged:
        return
    token = staged[0].callers[0].headers["Authorization"].removeprefix("Bearer ")
    header, claims = jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})
    claims |= {"iat": claims["iat"] - 60, "exp": math.ceil(time.time()) + life_s}
    short = jwt.encode(claims, secret, "HS256", headers={name: header[name] for name in ("typ", "kid")})
    caller = Caller("", {"Authorization": f"Bearer {short}"}, {})
    for one in staged:
        _expect(one, caller, _OK, "a token that is about to expire")
    time.sleep(max(0.0, claims["exp"] - time.time()))
    for one in staged:
        _expect(one, caller, _UNAUTHORIZED, "a token that expired after it was accepted")


def prove_logout(staged: Staged) -> None:
    """Log the caller out; the session is refused from then on."""
    caller = staged.callers[0]
    log_out(staged.arm, url_of(staged), "", caller)
    _expect(staged, caller, _UNAUTHORIZED, "a session that ended")


def _expect(staged: Staged, caller: Caller, expected: int, what: str) -> None:
    status = call(url_of(staged), staged.arm.path, headers=caller.headers).status
    if status != expected:
        raise NotRight(f"{staged.arm.name}: {what} got {status}, not {expected}")
