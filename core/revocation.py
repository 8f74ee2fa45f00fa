"""Whether a verified token was taken back. Marks are keyed on `jti`, `sid` and `sub`, never on the token's text.

One token has many texts (`tok`, `tok=`, a malleable ES256 signature), so a list of texts could be walked around.
A mark on `sub` is a cut-off time: tokens issued up to then are over, a later login works.
"""

from dataclasses import dataclass

from core import redis_keys
from core.access_token import VerifiedToken
from core.errors import Rejected, Unavailable

CHECK = "revocation"


@dataclass(frozen=True, slots=True)
class Epoch:
    """One life of the revocation store. What was issued before it began may have been revoked and forgotten."""

    name: str
    since_ms: int


def parse_epoch(value: bytes | None) -> Epoch | None:
    """Read the epoch; None where the store has none, because it is empty."""
    if value is None:
        return None
    name, _, since_ms = value.decode().partition(":")
    return Epoch(name, int(since_ms))


def issued_at_ms(token: VerifiedToken) -> int:
    """Return `iat` in the milliseconds that marks are written in."""
    return round(token.issued_at * 1000)


def redis_keys_of(token: VerifiedToken) -> tuple[str, ...]:
    """Name everything that `judge` needs to know of the store, in its order."""
    keys = (
        redis_keys.REVOCATION_EPOCH,
        redis_keys.revoked("sub", token.subject.id),
        redis_keys.revoked("jti", token.jti),
    )
    return keys if token.sid is None else (*keys, redis_keys.revoked("sid", token.sid))


def judge(token: VerifiedToken, values: list[bytes | None]) -> None:
    """Return if the token still stands; raise `Rejected`, or `Unavailable` when the store has lost its memory."""
    epoch = parse_epoch(values[0])
    if epoch is None:
        raise Unavailable("epoch", retry_after_s=1.0)
    cutoff_ms = values[1]
    issued_ms = issued_at_ms(token)
    if issued_ms < epoch.since_ms or (cutoff_ms is not None and issued_ms <= int(cutoff_ms)) or any(values[2:]):
        raise Rejected(CHECK)
