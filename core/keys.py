"""Keys that verify tokens: prepared once, each bound to exactly one algorithm (RFC 8725 §3.1, RFC 7517)."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeGuard

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from jwt.algorithms import Algorithm, ECAlgorithm, HMACAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.exceptions import InvalidKeyError

from core.prepared_hmac import PreparedHmac
from core.strict_json import NotStrict, base64url_bytes, base64url_text, json_object

MIN_SECRET_BYTES = 32
MIN_RSA_BITS = 2048
MIN_RSA_EXPONENT = 65537
_MAX_KID_CHARS = 64
_KID_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
_PRINTED_SECRETS = frozenset(
    {
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",  # RFC 7515 A.1
        "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",  # RFC 7520 §3.5
        "FdFYFzERwC2uCBB46pZQi4GG85LujR8obt-KWRBICVQ",  # the `k` of many a README
    }
)
"""Random once, and in every dictionary since."""
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

ALGORITHMS: Mapping[str, Algorithm] = {
    "HS256": HMACAlgorithm(HMACAlgorithm.SHA256),
    "Ed25519": OKPAlgorithm(),  # named by RFC 9864; PyJWT would take Ed448 too, so _fits looks
    "ES256": ECAlgorithm(ECAlgorithm.SHA256),
    "RS256": RSAAlgorithm(RSAAlgorithm.SHA256),
}


class UnfitKey(ValueError):
    """A key, or a set of keys, that must not be used."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A key that can verify signatures of one algorithm, and nothing else."""

    kid: str
    algorithm: str
    prepared: Any
    check: str
    """What verifying with it is called: a `mac` shows that a holder of the secret made it, a `signature` who."""

    def verifies(self, signing_input: bytes, signature: bytes) -> bool:
        """Tell whether `signature` was made over `signing_input` with this key; HMACs are compared in constant time."""
        prepared = self.prepared
        if type(prepared) is PreparedHmac:
            return prepared.verifies(signing_input, signature)
        return ALGORITHMS[self.algorithm].verify(signing_input, prepared, signature)


class KeyRing:
    """An immutable set of keys by `kid`. A rotation replaces the ring as a whole."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Iterable[VerificationKey] = (), *, previous: "KeyRing | None" = None) -> None:
        """Collect keys; one that `previous` holds too stays the same object, so that caches stay valid."""
        self._keys: dict[str, VerificationKey] = {}
        for key in keys:
            if key.kid in self._keys:
                raise UnfitKey("two keys have the same kid")
            known = previous.get(key.kid) if previous is not None else None
            self._keys[key.kid] = known if known == key else key

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[VerificationKey]:
        return iter(self._keys.values())

    def get(self, kid: str) -> VerificationKey | None:
        """Find a key by its exact `kid`."""
        return self._keys.get(kid)


def is_kid(value: object) -> TypeGuard[str]:
    """Tell whether `value` can name a key: 1 to 64 harmless characters, never a path or a URL."""
    return type(value) is str and 0 < len(value) <= _MAX_KID_CHARS and _KID_CHARACTERS.issuperset(value)


def thumbprint(jwk: Mapping[str, str]) -> str:
    """Return the RFC 7638 SHA-256 thumbprint of the required members of a JWK."""
    canonical = json.dumps(dict(sorted(jwk.items())), separators=(",", ":"))
    return base64url_text(hashlib.sha256(canonical.encode()).digest())


def secret_thumbprint(secret: bytes) -> str:
    """Return the `kid` of a shared secret."""
    return thumbprint({"k": base64url_text(secret), "kty": "oct"})


def derived_secret(master: bytes, info: str) -> bytes:
    """Derive 32 bytes for one purpose; they tell nothing of the master or of another purpose (RFC 5869, empty salt)."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info.encode()).derive(master)


def audience_secret(master: bytes, audience: str) -> bytes:
    """Derive the HS256 secret of one audience, so that its resource servers cannot mint for another."""
    return derived_secret(master, f"authlab/hs256/v1/{audience}")


def _is_patterned(secret: bytes) -> bool:
    half = len(secret) // 2
    repeats = any(secret[period:] == secret[:-period] for period in range(1, half + 1))
    steps = {(after - before) % 256 for before, after in pairwise(secret)}
    typed = secret.isascii() and secret.decode().isprintable()
    return repeats or typed or len(steps) == 1 or len(set(secret)) < MIN_SECRET_BYTES // 2


def strong_secret(text: str) -> bytes:
    """Decode a secret given as base64url text; raise `UnfitKey` for one that is short, patterned or a passphrase.

    Shorter than the hash is forbidden by RFC 7518 §3.2; a guessable one is found offline from a single token.
    """
    bare = text.strip().rstrip("=")
    if any(mark in bare for mark in "{- ") and "-----" in bare:
        raise UnfitKey("it looks like a PEM file, not like a secret")
    try:
        secret = base64url_bytes(bare)
    except NotStrict as error:
        raise UnfitKey("it is not base64url text") from error
    if len(secret) < MIN_SECRET_BYTES:
        raise UnfitKey(f"it holds {len(secret)} bytes; at least {MIN_SECRET_BYTES} random ones are needed")
    if _is_patterned(secret) or bare.lower() == bare or bare.upper() == bare:
        raise UnfitKey("it is not random")
    if bare in _PRINTED_SECRETS:
        raise UnfitKey("it is an example that a standard prints")
    return secret


def secret_key(secret: bytes, kid: str | None = None) -> VerificationKey:
    """Prepare a shared secret for HS256."""
    return VerificationKey(kid or secret_thumbprint(secret), "HS256", PreparedHmac(secret), "mac")


def secret_jwk(secret: bytes) -> dict[str, str]:
    """Write a shared secret as a JWK (RFC 7518 §6.4). It is as secret as the secret."""
    return {"kty": "oct", "alg": "HS256", "kid": secret_thumbprint(secret), "k": base64url_text(secret)}


def secret_ring(text: str) -> KeyRing:
    """Read `RESOURCE_SHARED_SECRET`: a JWK Set of `oct` keys, or one bare base64url secret. Raises `UnfitKey`."""
    if not text.lstrip().startswith("{"):
        return KeyRing([secret_key(strong_secret(text))])
    keys = []
    for jwk in _members_of_set(text.encode()):
        if jwk.get("kty") != "oct" or jwk.get("alg", "HS256") != "HS256" or type(jwk.get("k")) is not str:
            raise UnfitKey("a shared secret is a JWK of kty oct and alg HS256")
        if not is_kid(jwk.get("kid")):
            raise UnfitKey("a key has no proper kid")
        keys.append(secret_key(strong_secret(jwk["k"]), jwk["kid"]))
    return KeyRing(keys)


def public_ring(data: bytes, *, previous: KeyRing | None = None) -> KeyRing:
    """Read a JWK Set of public keys; one unfit key condemns the set (`UnfitKey`)."""
    return KeyRing([_public_key(jwk) for jwk in _members_of_set(data)], previous=previous)


def _members_of_set(data: bytes) -> list[dict[str, Any]]:
    try:
        members = json_object(data).get("keys")
    except NotStrict as error:
        raise UnfitKey("it is not a JWK Set") from error
    if type(members) is not list or not all(type(member) is dict for member in members):
        raise UnfitKey("it is not a JWK Set")
    if not members:
        raise UnfitKey("the JWK Set is empty")
    return members


def _public_key(jwk: dict[str, Any]) -> VerificationKey:
    if not _PRIVATE_MEMBERS.isdisjoint(jwk):
        raise UnfitKey("a public JWK Set holds private or symmetric key material")
    if not is_kid(jwk.get("kid")):
        raise UnfitKey("a key has no proper kid")
    operations, algorithm = jwk.get("key_ops", ["verify"]), jwk.get("alg")
    if jwk.get("use", "sig") != "sig" or type(operations) is not list or "verify" not in operations:
        raise UnfitKey("a key is not meant to verify")
    if type(algorithm) is not str or algorithm not in {"Ed25519", "ES256", "RS256"}:
        raise UnfitKey("a key has no alg that we use")
    try:
        prepared = ALGORITHMS[algorithm].from_jwk(jwk)
    except (InvalidKeyError, ValueError, TypeError) as error:
        raise UnfitKey("a key cannot be read") from error
    if not _fits(algorithm, prepared):
        raise UnfitKey("a key does not fit its alg")
    return VerificationKey(jwk["kid"], algorithm, prepared, "signature")


def _fits(algorithm: str, key: object) -> bool:
    match algorithm, key:
        case "Ed25519", ed25519.Ed25519PublicKey():
            return True
        case "ES256", ec.EllipticCurvePublicKey():
            return isinstance(key.curve, ec.SECP256R1)
        case "RS256", rsa.RSAPublicKey():
            return key.key_size >= MIN_RSA_BITS and key.public_numbers().e >= MIN_RSA_EXPONENT
        case _:
            return False
