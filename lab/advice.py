"""What our servers would also ask of a token; for a foreign one this is advice, not a verdict."""

from collections.abc import Iterator
from typing import Any

from lab.explanation import Check, Explanation
from lab.meanings import HEADER, moment_of

MIN_SECRET_BYTES = 32
MAX_TOKEN_CHARS = 4096
_MAX_LIFE_S = 24 * 3600
_FUTURE_LEEWAY_S = 10
_REFUSED_HEADERS = ("crit", "b64", "jwk", "jku", "x5u", "x5c", "zip", "enc")
_NEEDED = {
    "iss": "whoever holds the key could be anybody's issuer",
    "aud": "any API that trusts this key would accept it",
    "sub": "it says nothing about who is asking",
    "iat": "nobody can tell how old it is",
    "jti": "a denylist could not name it",
    "client_id": "it does not say which application it was given to",
}


def advice(explanation: Explanation, *, now: float, secret_bytes: int | None) -> list[Check]:
    """Hold a token to our other rules. `now` is in Unix seconds, `secret_bytes` the length of the secret if known."""
    return [
        *_about_secret(secret_bytes),
        *_about_header(explanation),
        *_about_claims(explanation.claims),
        *_about_times(explanation.claims, now),
    ]


def _rule(name: str, *, holds: bool, fine: str, otherwise: str) -> Check:
    return Check(name, "fine", fine) if holds else Check(name, "advice", otherwise)


def _about_secret(secret_bytes: int | None) -> Iterator[Check]:
    if secret_bytes is not None:
        yield _rule(
            "secret",
            holds=secret_bytes >= MIN_SECRET_BYTES,
            fine=f"{secret_bytes} bytes",
            otherwise=f"{secret_bytes} bytes; HS256 needs {MIN_SECRET_BYTES} random ones, or it is guessed (RFC 7518)",
        )


def _about_header(explanation: Explanation) -> Iterator[Check]:
    header = explanation.header
    yield _rule(
        "kid",
        holds="kid" in header,
        fine="it names its key, so keys can be rotated",
        otherwise="no kid: the key cannot be rotated without trying every key",
    )
    yield _rule(
        "typ",
        holds=str(header.get("typ", "")).lower() in {"at+jwt", "application/at+jwt"},
        fine="it says that it is an access token (RFC 9068)",
        otherwise="typ is not at+jwt: another kind of token could be passed off as an access token (RFC 9068)",
    )
    for name in _REFUSED_HEADERS:
        if name in header:
            yield Check(name, "advice", f"{HEADER[name]}: our servers refuse any token whose header has it")
    length = len(explanation.token)
    yield _rule(
        "size",
        holds=length <= MAX_TOKEN_CHARS,
        fine=f"{length} characters, sent with every request",
        otherwise=f"{length} characters; our servers refuse more than {MAX_TOKEN_CHARS}",
    )


def _about_claims(claims: dict[str, Any]) -> Iterator[Check]:
    for name, consequence in _NEEDED.items():
        yield _rule(name, holds=name in claims, fine="present", otherwise=f"no {name}: {consequence}")
    if isinstance(claims.get("aud"), list) and len(claims["aud"]) != 1:
        yield Check("aud", "advice", "not exactly one audience: each of several could use it at the others")


def _about_times(claims: dict[str, Any], now: float) -> Iterator[Check]:
    times = {name: claims[name] for name in ("exp", "iat", "nbf") if name in claims}
    for name, value in times.items():
        if moment_of(value) is None:
            yield Check(name, "advice", f"{value!r} is not a time")
            return
    if "exp" not in times:
        yield Check("exp", "advice", "no exp: it is good for ever, and nothing can be done about it")
    else:
        left_s = times["exp"] - now
        yield _rule(
            "exp",
            holds=left_s > 0,
            fine=f"good for another {left_s:,.0f} s",
            otherwise=f"it expired {-left_s:,.0f} s ago; our servers grant no leeway",
        )
    if {"exp", "iat"} <= times.keys() and not 0 < times["exp"] - times["iat"] <= _MAX_LIFE_S:
        yield Check("exp", "advice", "its life is not between 0 and 24 hours")
    for name in ("iat", "nbf"):
        if name in times and times[name] > now + _FUTURE_LEEWAY_S:
            yield Check(name, "advice", f"it lies {times[name] - now:,.0f} s ahead")
