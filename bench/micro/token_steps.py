"""The steps from a bearer token to a subject, and what two libraries take for all of them at once."""

import hmac
import os
import time
from collections.abc import Callable, Iterator
from functools import partial

import jwt
from jwt.algorithms import HMACAlgorithm
from jwt.types import Options

from bench.micro.timing import Step, awaiting, calling
from bench.micro.token_material import AUDIENCE, ISSUER, SignedToken, token_with_private_key, token_with_secret
from core.access_token import TokenVerifier
from core.revocation import judge, redis_keys_of
from core.settings import load
from core.strict_json import base64url_bytes, base64url_text, json_object
from resource_server.keys import SharedSecret
from resource_server.settings import ResourceSettings
from resource_server.strategies.plain_jwt import PlainJwt
from resource_server.tokens import Tokens

try:
    import joserfc.jwt
    from joserfc.jwk import OctKey
except ImportError:  # it comes with the extra `bench`; nothing that we run needs it
    HAS_JOSERFC = False
else:
    HAS_JOSERFC = True

_REQUIRED = ["iss", "aud", "sub", "exp", "iat", "jti"]


def token_steps() -> Iterator[Step]:
    """Return every step with one token that is signed with a shared secret."""
    secret = os.urandom(32)
    token = token_with_secret(secret)
    yield from _parts(token, secret)
    yield from _whole(token, secret)
    yield from _libraries(token, secret)
    for algorithm in ("Ed25519", "ES256", "RS256"):
        signed = token_with_private_key(algorithm)
        yield Step("token", f"verify all of it, {algorithm}", calling(partial(_verifier(signed).verify, signed.text)))


def _parts(token: SignedToken, secret: bytes) -> Iterator[Step]:
    (key,) = token.ring
    payload, mac = base64url_bytes(token.payload), base64url_bytes(token.signature)
    verifier = _verifier(token)
    # The header of a key is parsed once; this is what the first token of each key pays.
    header = partial(verifier._key_of_new_header, token.header, token.ring)  # noqa: SLF001 - a step like the others
    yield Step("token", "header, never seen", calling(header))
    yield Step("token", "payload, base64url", calling(partial(base64url_bytes, token.payload)))
    yield Step("token", "payload, strict JSON", calling(partial(json_object, payload)))
    yield Step("token", "MAC", calling(partial(key.verifies, token.signing_input, mac)))
    pyjwt = HMACAlgorithm(HMACAlgorithm.SHA256)
    yield Step("token", "MAC: PyJWT", calling(partial(pyjwt.verify, token.signing_input, secret, mac)), "theirs")
    raw = partial(hmac.digest, secret, token.signing_input, "sha256")
    yield Step("token", "MAC: hmac.digest, nothing compared", calling(raw), "theirs")
    yield Step("token", "typed claims", calling(partial(verifier.proved, token.claims, key)))


def _whole(token: SignedToken, secret: bytes) -> Iterator[Step]:
    verifier = _verifier(token)
    verified = verifier.verify(token.text)
    yield Step("token", "verify all of it", calling(partial(verifier.verify, token.text)))
    settings = load(
        ResourceSettings,
        {
            "RESOURCE_ISSUER": ISSUER,
            "RESOURCE_AUDIENCE": AUDIENCE,
            "RESOURCE_SHARED_SECRET": base64url_text(secret),
        },
    )
    tokens = Tokens(settings, SharedSecret(token.ring, None))
    strategy = PlainJwt(tokens)
    yield Step("token", "plain_jwt, token seen before", awaiting(partial(strategy.verify, token.text)))
    yield Step("token", "token cache, hit and checks", calling(partial(tokens.known, token.text)))
    values = [b"epoch:0", None, None, None]
    yield Step("token", "denylist: name its keys", calling(partial(redis_keys_of, verified)))
    yield Step("token", "denylist: judge its values", calling(partial(judge, verified, values)))


def _libraries(token: SignedToken, secret: bytes) -> Iterator[Step]:
    rules: Options = {"require": _REQUIRED}
    decode = partial(
        jwt.decode, token.text, secret, algorithms=["HS256"], issuer=ISSUER, audience=AUDIENCE, options=rules
    )
    yield Step("token", "verify all of it: jwt.decode", calling(decode), "theirs")
    if HAS_JOSERFC:
        yield Step("token", "verify all of it: joserfc", calling(_joserfc_decode(token, secret)), "theirs")


def _joserfc_decode(token: SignedToken, secret: bytes) -> Callable[[], None]:
    key = OctKey.import_key(secret)
    rules = joserfc.jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": AUDIENCE},
        sub={"essential": True},
        exp={"essential": True},
    )
    return lambda: rules.validate(joserfc.jwt.decode(token.text, key, algorithms=["HS256"]).claims)


def _verifier(token: SignedToken) -> TokenVerifier:
    return TokenVerifier(issuer=ISSUER, audiences=frozenset({AUDIENCE}), ring=lambda: token.ring, clock=time.time)
