"""Before a peer is measured it must refuse what ours refuse: a token that expired, and a session that ended.

That it refuses forged ones is proved once more in every batch, as for every arm.
"""

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
_OK, _UNAUTHORIZED = 200, 401


def planned_s(_run: Run) -> float:
    """Return how long it should take."""
    return _PLANNED_S


def prove_peers(run: Run) -> None:
    """Set every peer of a run up once, for one caller, and have it prove what it refuses; raise NotRight."""
    run.progress.begin("peers prove what they refuse")
    with Ground(run.directory(), GroundPlan(callers=1), run.placement) as ground:
        ground.start_auth_servers()
        for staged in Stage(ground).set_up(_guarded_peers(run.arms)):
            prove_known(staged)
            if staged.arm.credential == "session":
                _prove_ended(staged)
            else:
                prove_expired(staged, base64url_bytes(shared_secret(ground)))
    run.progress.advance(_PLANNED_S)


def _guarded_peers(arms: Sequence[Arm]) -> list[Arm]:
    names = {arm.name for arm in PEER_ARMS if arm.credential != "none"}
    return [arm for arm in arms if arm.name in names]


def prove_expired(staged: Staged, secret: bytes) -> None:
    """Sign the caller's own claims again, once as they are and once with an end in the past."""
    token = staged.callers[0].headers["Authorization"].removeprefix("Bearer ")
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(token, options={"verify_signature": False})
    for expires_at, expected in ((claims["exp"], _OK), (time.time() - 1, _UNAUTHORIZED)):
        changed = {**claims, "iat": claims["iat"] - 60, "exp": expires_at}
        again = jwt.encode(changed, secret, "HS256", headers={"typ": header["typ"], "kid": header["kid"]})
        _expect(
            staged, Caller("", {"Authorization": f"Bearer {again}"}, {}), expected, f"a token until {expires_at:.0f}"
        )


def _prove_ended(staged: Staged) -> None:
    caller = staged.callers[0]
    log_out(staged.arm, url_of(staged), "", caller)
    _expect(staged, caller, _UNAUTHORIZED, "a session that ended")


def _expect(staged: Staged, caller: Caller, expected: int, what: str) -> None:
    status = call(url_of(staged), staged.arm.path, headers=caller.headers).status
    if status != expected:
        raise NotRight(f"{staged.arm.name}: {what} got {status}, not {expected}")
