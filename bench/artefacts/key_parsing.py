"""The key parsed on every call: what is measured is a parser of key files that tests primes, not a signature."""

import time
from collections.abc import Callable
from statistics import median

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bench.artefacts.artefact import Artefact

_CALLS = 10
_TURNS = 7
_US = 1_000_000
_KEY_BITS = 2048


def key_parsing() -> Artefact:
    """Sign the same claims with the key as text, as a file holds it, and with the key prepared once."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    claims = {"sub": "u0001", "iat": int(time.time())}
    wrong, right = _interleaved_us(
        lambda: jwt.encode(claims, text, algorithm="RS256"), lambda: jwt.encode(claims, key, algorithm="RS256")
    )
    return Artefact(
        what="CPU time to sign one RS256 token with PyJWT",
        unit="µs",
        wrong_way="the key given as PEM text, parsed and checked on every call",
        wrong=wrong,
        right_way="the key prepared once",
        right=right,
        lesson="What was published as the price of a JWT was the price of reading its key.",
    )


def _interleaved_us(first: Callable[[], object], second: Callable[[], object]) -> tuple[float, float]:
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(_TURNS):
        for work, found in zip((first, second), times, strict=True):
            started = time.process_time()
            for _ in range(_CALLS):
                work()
            found.append((time.process_time() - started) / _CALLS * _US)
    return median(times[0]), median(times[1])
