"""Every Redis key there is: its prefix, what it holds and how long it lives. Nothing else names a Redis key.

redis-auth
    account:{name}          account as JSON                              until changed; no expiry
    accounts                set of account names; its presence says that seeding was done
    login:{sid}             hash: one login and its refresh family       until the family's idle or absolute end
    logins:{sub}            sorted set of sid by last use                as long as the youngest login
    refresh:{sha256}        sid, and when the token was used             until the family's absolute end
    opaque:{sha256}         claims of an opaque access token as JSON     until the token expires
    cutoff:{sub}            ms: logins begun before are over             longer than any family lives
    revoked:jti|sid|sub:{}  ms: tokens issued up to then are refused     until the last such token has expired
    revocation:epoch        "{id}:{ms}": since when revocations are known; gone when the store lost its data
    revocation:sequence     number of the last revocation
    revocation:marks        sorted set of live marks by expiry           entries until their mark expires
    revocation:stream       stream of revocations, trimmed by age
    throttle:*              login failures                               minutes

redis-sessions
    session:{sha256}        session as JSON                              until idle or absolute expiry
    sessions:{sub}          sorted set of session hashes by last use     as long as the youngest session
    session-cutoff:{sub}    ms: logins begun before are over             longer than any session lives
"""

import hashlib

PREFIX = "authlab:"

ACCOUNTS = PREFIX + "accounts"
REVOCATION_EPOCH = PREFIX + "revocation:epoch"
REVOCATION_SEQUENCE = PREFIX + "revocation:sequence"
REVOCATION_MARKS = PREFIX + "revocation:marks"
REVOCATION_STREAM = PREFIX + "revocation:stream"
SESSION_PREFIX = PREFIX + "session:"


def hashed(secret: str) -> str:
    """Return what stands in a Redis key for a secret of at least 128 random bits: its SHA-256, never itself."""
    return hashlib.sha256(secret.encode()).hexdigest()


def account(name: str) -> str:
    """Name the Redis key of an account."""
    return f"{PREFIX}account:{name}"


def login(sid: str) -> str:
    """Name the Redis key of a login and its refresh family."""
    return f"{PREFIX}login:{sid}"


def logins(sub: str) -> str:
    """Name the Redis key of the index of an account's logins."""
    return f"{PREFIX}logins:{sub}"


def refresh(token_hash: str) -> str:
    """Name the Redis key of a refresh token."""
    return f"{PREFIX}refresh:{token_hash}"


def opaque(token_hash: str) -> str:
    """Name the Redis key of an opaque access token."""
    return f"{PREFIX}opaque:{token_hash}"


def cutoff(sub: str) -> str:
    """Name the Redis key of an account's cut-off on the token side."""
    return f"{PREFIX}cutoff:{sub}"


def revoked(kind: str, value: str) -> str:
    """Name the Redis key of a revocation mark; `kind` is `jti`, `sid` or `sub`."""
    return f"{PREFIX}revoked:{kind}:{value}"


def session(id_hash: str) -> str:
    """Name the Redis key of a session."""
    return SESSION_PREFIX + id_hash


def sessions(sub: str) -> str:
    """Name the Redis key of the index of an account's sessions."""
    return f"{PREFIX}sessions:{sub}"


def session_cutoff(sub: str) -> str:
    """Name the Redis key of an account's cut-off on the session side."""
    return f"{PREFIX}session-cutoff:{sub}"


def throttle(kind: str, value: str) -> str:
    """Name the Redis key of a count of login attempts."""
    return f"{PREFIX}throttle:{kind}:{value}"
