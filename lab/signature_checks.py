"""Check a signature with a shared secret or with public keys, and say what was compared."""

import json
import ssl
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jwt.exceptions import InvalidKeyError

from core.keys import ALGORITHMS
from lab.by_hand import hmac_sha256, same_bytes
from lab.explanation import Check, Explanation

_PUBLIC_ALGORITHMS = {"Ed25519": "Ed25519", "EdDSA": "Ed25519", "ES256": "ES256", "RS256": "RS256"}
_KEY_TYPES = {"Ed25519": "OKP", "ES256": "EC", "RS256": "RSA"}
_FETCH_TIMEOUT_S = 5
_MAX_KEY_SET_BYTES = 1_000_000


class NoKeySet(Exception):
    """A key set cannot be had; the message says why."""


class NoKey:
    """No key was given, so whether the signature holds stays open."""

    def __call__(self, explanation: Explanation) -> list[Check]:
        """Say what would be needed."""
        option = "--secret" if str(explanation.header.get("alg", "")).startswith("HS") else "--jwks"
        return [Check("signature", "not checked", f"give {option} to check it; anyone can read a token without")]


class SharedSecret:
    """Compute the HMAC with a shared secret and compare."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def __call__(self, explanation: Explanation) -> list[Check]:
        """Check that the algorithm fits a shared secret, then the MAC."""
        algorithm = explanation.header.get("alg")
        if algorithm != "HS256":
            return [_wrong_algorithm(algorithm, "a shared secret verifies HS256 here")]
        computed, given = hmac_sha256(self._secret, explanation.signing_input), explanation.signature or b""
        if not same_bytes(computed, given):
            why = f"HMAC-SHA256 over header.payload gives {computed.hex()}, the token says {given.hex()}"
            return [_ALGORITHM_FITS, Check("mac", "failed", why)]
        why = f"HMAC-SHA256 over header.payload gives {computed.hex()}, as the token says"
        return [_ALGORITHM_FITS, Check("mac", "passed", why)]


class PublicKeys:
    """Verify with the public keys of a JWK Set."""

    def __init__(self, keys: list[dict[str, Any]]) -> None:
        self._keys = keys

    def __call__(self, explanation: Explanation) -> list[Check]:
        """Check that the algorithm is one for public keys, that a key fits, then the signature."""
        algorithm = _PUBLIC_ALGORITHMS.get(str(explanation.header.get("alg")))
        if algorithm is None:
            return [_wrong_algorithm(explanation.header.get("alg"), "public keys verify Ed25519, ES256 and RS256 here")]
        kid = explanation.header.get("kid")
        candidates = [key for key in self._keys if _fits(key, algorithm, kid)]
        if not candidates:
            why = f"no {algorithm} key named {kid!r} among the {len(self._keys)} of the set"
            return [_ALGORITHM_FITS, Check("key", "failed", why)]
        found = Check("key", "passed", f"{len(candidates)} fitting {algorithm} key in the set, named {kid!r}")
        if any(_verifies(key, algorithm, explanation) for key in candidates):
            return [_ALGORITHM_FITS, found, Check("signature", "passed", "the holder of the private key signed this")]
        why = "it was not made over these bytes with this private key"
        return [_ALGORITHM_FITS, found, Check("signature", "failed", why)]


_ALGORITHM_FITS = Check("algorithm", "passed", "the algorithm in the header is the one this kind of key is for")


def _wrong_algorithm(algorithm: object, expected: str) -> Check:
    if str(algorithm).lower() == "none":
        return Check("algorithm", "failed", "'none' asks to be believed without any signature; never accepted")
    return Check("algorithm", "failed", f"the header says {algorithm!r}, but {expected}")


def _fits(key: dict[str, Any], algorithm: str, kid: object) -> bool:
    named = kid is None or key.get("kid") == kid
    return named and key.get("kty") == _KEY_TYPES[algorithm] and key.get("use", "sig") == "sig"


def _verifies(key: dict[str, Any], algorithm: str, explanation: Explanation) -> bool:
    public_members = {name: value for name, value in key.items() if name not in {"d", "p", "q", "dp", "dq", "qi"}}
    try:
        prepared = ALGORITHMS[algorithm].from_jwk(public_members)
        return ALGORITHMS[algorithm].verify(explanation.signing_input, prepared, explanation.signature or b"")
    except (InvalidKeyError, KeyError, ValueError, TypeError):
        return False


def key_set(source: str) -> list[dict[str, Any]]:
    """Read a JWK Set from a file or an http(s) URL. Raises `NoKeySet`."""
    try:
        data = json.loads(_text_of(source))
    except (ValueError, OSError, RecursionError) as error:
        raise NoKeySet(f"{source} cannot be read as a JWK Set: {error}") from error
    keys = data.get("keys") if isinstance(data, dict) else None
    if not isinstance(keys, list):
        raise NoKeySet(f"{source} is not a JWK Set: it has no list called keys")
    return list(_objects(keys))


def _text_of(source: str) -> bytes:
    if not source.startswith(("http://", "https://")):
        return Path(source).read_bytes()
    context = ssl.create_default_context() if source.startswith("https") else None
    with urllib.request.urlopen(source, timeout=_FETCH_TIMEOUT_S, context=context) as answer:  # noqa: S310 - scheme checked
        body: bytes = answer.read(_MAX_KEY_SET_BYTES)
        return body


def _objects(values: list[Any]) -> Iterator[dict[str, Any]]:
    return (value for value in values if isinstance(value, dict))
