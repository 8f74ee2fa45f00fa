"""A token of the right key whose claims are missing, of another type, for others, or out of time (JWT-10 to JWT-14)."""

import json
import time
from typing import Any

import pytest

from core.access_token import FUTURE_LEEWAY_S, MAX_LIFE_S, TokenVerifier
from core.errors import Rejected
from core.keys import KeyRing, secret_key
from tests.attacks.insider import Insider
from tests.attacks.system import Resource, System
from tests.attacks.verdicts import assert_accepted, assert_refused

REQUIRED = ("iss", "aud", "sub", "client_id", "iat", "exp", "jti")
WRONG_TYPES: dict[str, tuple[Any, ...]] = {
    "iss": (1, True, [], {}, ["http://127.0.0.1"]),
    "aud": (1, True, {}, {"authlab-api": 1}),
    "sub": (1, 1.5, True, [], {}, ["root"]),
    "client_id": (1, True, [], {}),
    "jti": (1, True, [], {}),
    "sid": (1, True, [], {}),
    "name": (1, True, [], {}),
    "roles": (1, True, "admin", {}, {"admin": True}, [1], [["admin"]], [None]),
    "scope": (1, True, ["orders:read"], {}),
}
NOT_A_TIME: tuple[Any, ...] = (
    "9999999999", "9_999", " 99 ", "\u0669\u0669\u0669\u0669", "", "1e10", True, False, [], [9999999999], {}, -1, -0.5,
    2**53, 10**30, 1e300,
)  # fmt: skip


def without(claims: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in claims.items() if key != name}


@pytest.mark.parametrize("name", REQUIRED)
def test_a_required_claim_is_required(resources: list[Resource], insider: Insider, name: str) -> None:
    """RFC 9068 §2.2."""
    tokens = {"absent": insider.sign(None, without(insider.claims(), name))}
    tokens["null"] = insider.sign(None, {**insider.claims(), name: None})
    assert_refused(resources, tokens)


@pytest.mark.parametrize("name", WRONG_TYPES)
def test_a_claim_of_another_type_is_refused(resources: list[Resource], insider: Insider, name: str) -> None:
    tokens = {repr(value): insider.sign(None, {**insider.claims(), name: value}) for value in WRONG_TYPES[name]}
    assert_refused(resources, tokens)


@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
def test_a_time_is_a_json_number(resources: list[Resource], insider: Insider, name: str) -> None:
    """PyJWT takes strings, Arabic digits and booleans for numbers."""
    tokens = {repr(value): insider.sign(None, {**insider.claims(), name: value}) for value in NOT_A_TIME}
    for raw in ("1e400", "-1e400", "NaN", "Infinity", "1" * 2500, "0x7fffffff", "01", "1.", "+1"):
        text = json.dumps({**insider.claims(), name: "@"}).replace('"@"', raw)
        tokens[raw[:20]] = insider.sign(None, text)
    assert_refused(resources, tokens)


def test_a_token_of_another_issuer_is_refused(resources: list[Resource], insider: Insider) -> None:
    """CVE-2024-53861: PyJWT 2.10.0 looked for the issuer as a part of the text."""
    real = insider.issuer
    others = [
        "", real[:-1], real[1:], real + "/", real + "0", " " + real, real + " ", real.upper(), real + "\0",
        real.replace("127.0.0.1", "localhost"), real.replace("http:", "https:"), "http", "h", f"{real},{real}",
        real.replace("127.0.0.1", "user@127.0.0.1"), ".*",
    ]  # fmt: skip
    assert_refused(resources, {repr(name): insider.sign(None, insider.claims(iss=name)) for name in others})


def test_a_token_for_another_audience_is_refused(resources: list[Resource], insider: Insider) -> None:
    audiences: list[Any] = [
        "", "authlab", "authlab-ap", "authlab-api2", "authlab-api ", " authlab-api", "AUTHLAB-API", "other-api", "*",
        ".*", "authlab-api,other-api", "authlab-api other-api", [], [""], ["other-api"], [["authlab-api"]], [1],
        [None], ["authlab-api", "other-api"], ["other-api", "authlab-api"], ["authlab-api", "authlab-api"],
        {"0": "authlab-api"},
    ]  # fmt: skip
    tokens = {repr(value): insider.sign(None, {**insider.claims(), "aud": value}) for value in audiences}
    assert_refused(resources, tokens)


def test_an_audience_list_of_exactly_us_is_accepted(resources: list[Resource], insider: Insider) -> None:
    assert_accepted(resources, insider.sign(None, insider.claims(aud=["authlab-api"])))


def test_a_token_of_another_kind_is_refused(resources: list[Resource], insider: Insider) -> None:
    """RFC 8725 §3.11, RFC 9068 §4: whoever else signs JWTs with a key must not make access tokens by accident."""
    kinds: list[Any] = [
        None, "", "JWT", "jwt", "at+jwt ", "rt+jwt", "logout+jwt", "id+jwt", "application/jwt", "secevent+jwt",
        "at-jwt", "token-introspection+jwt", "dpop+jwt", "application/application/at+jwt", "x/at+jwt", 1, [],
        ["at+jwt"], {}, True,
    ]  # fmt: skip
    assert_refused(resources, {repr(kind): insider.sign({**insider.header(), "typ": kind}) for kind in kinds})
    assert_refused(resources, {"absent": insider.sign(without(insider.header(), "typ"))})


@pytest.mark.parametrize("kind", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"])
def test_a_media_type_is_compared_without_case(resources: list[Resource], insider: Insider, kind: str) -> None:
    assert_accepted(resources, insider.sign(insider.header(typ=kind)))


def test_what_is_not_an_access_token_is_refused(system: System, resources: list[Resource]) -> None:
    """Mutually exclusive kinds: a refresh token, a CSRF token and a session id are none."""
    cookie = system.log_in_by_cookie("redis-session")
    tokens = {"refresh token": system.log_in()["refresh_token"], "session id": cookie.value, "CSRF token": cookie.csrf}
    assert_refused(resources, tokens)


def test_a_token_out_of_its_time_is_refused(resources: list[Resource], insider: Insider) -> None:
    now = time.time()
    times: dict[str, dict[str, float]] = {
        "expired just now": {"iat": now - 100, "exp": now - 0.01},
        "expired long ago": {"iat": now - 7200, "exp": now - 3600},
        "expires before it is issued": {"iat": now, "exp": now - 1},
        "expires when it is issued": {"iat": now, "exp": now},
        "issued in 11 s": {"iat": now + 11, "exp": now + 60},
        "issued in 61 s": {"iat": now + 61, "exp": now + 120},
        "not before 61 s": {"iat": now, "exp": now + 120, "nbf": now + 61},
        "lives longer than a day": {"iat": now, "exp": now + MAX_LIFE_S + 1},
        "lives for ever": {"iat": 0, "exp": 2**53 - 1},
        "issued in milliseconds": {"iat": now * 1000, "exp": now * 1000 + 60},
    }
    assert_refused(resources, {name: insider.sign(None, insider.claims(**changes)) for name, changes in times.items()})


@pytest.mark.parametrize(
    ("moment", "accepted"),
    [
        (-FUTURE_LEEWAY_S - 0.001, False),
        (-FUTURE_LEEWAY_S, True),
        (0, True),
        (99.999, True),
        (100, False),
        (100.001, False),
        (110, False),
    ],
)
def test_the_clock_is_held_to_the_millisecond(moment: float, *, accepted: bool) -> None:
    """`exp` gets no leeway, `iat` and `nbf` ten seconds (FAPI 2.0 §5.3.2.1)."""
    insider = Insider("http://issuer.test", "k", bytes(range(32)))
    ring = KeyRing([secret_key(insider.key, insider.kid)])
    issued_at = 1_800_000_000
    verifier = TokenVerifier(
        issuer=insider.issuer,
        audiences=frozenset({"authlab-api"}),
        ring=lambda: ring,
        clock=lambda: issued_at + moment,
    )
    token = insider.sign(None, insider.claims(iat=issued_at, exp=issued_at + 100))
    if accepted:
        assert issued_at + 100 == verifier.verify(token).expires_at
    else:
        with pytest.raises(Rejected, match="time"):
            verifier.verify(token)
