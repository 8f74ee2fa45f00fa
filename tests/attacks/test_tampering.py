"""A real token, changed (lab 1 «unverified signature»; `jwt_tool -T`): another name, more rights, a longer life."""

import json
from typing import Any

import pytest

from tests.attacks.forge import b64, parts, segment
from tests.attacks.system import Resource, System
from tests.attacks.verdicts import assert_accepted, assert_refused

CHANGES: dict[str, dict[str, Any]] = {
    "another user": {"sub": "root"},
    "more roles": {"roles": ["admin", "user"]},
    "more scopes": {"scope": "orders:read orders:write admin"},
    "longer life": {"exp": 99999999999},
    "another login": {"sid": "AAAAAAAAAAAAAAAAAAAAAA"},
    "another id, to escape a revocation": {"jti": "AAAAAAAAAAAAAAAAAAAAAA"},
    "a claim that means nothing": {"x": 1},
}


@pytest.mark.parametrize("algorithm", ["HS256", "Ed25519", "ES256", "RS256"])
def test_a_changed_claim_breaks_the_signature(system: System, algorithm: str) -> None:
    token = system.log_in("bob", algorithm)["access_token"]
    header, _, signature = token.split(".")
    claims = parts(token)[1]
    tokens = {name: f"{header}.{segment({**claims, **change})}.{signature}" for name, change in CHANGES.items()}
    tokens["the same claims in another order"] = (
        f"{header}.{b64(json.dumps(dict(reversed(claims.items())), separators=(',', ':')))}.{signature}"
    )
    tokens["the same claims with spaces"] = f"{header}.{b64(json.dumps(claims, indent=1))}.{signature}"
    servers = system.resources(algorithm)
    assert_accepted(servers, token, "bob")
    assert_refused(servers, tokens)


def test_parts_of_two_tokens_do_not_mix(system: System, resources: list[Resource]) -> None:
    one, other = system.log_in("bob")["access_token"].split("."), system.log_in("root")["access_token"].split(".")
    assert_refused(
        resources,
        {
            "his signature under her claims": ".".join([one[0], other[1], one[2]]),
            "her signature under his claims": ".".join([one[0], one[1], other[2]]),
        },
    )


def test_every_single_flipped_bit_is_refused(system: System, resources: list[Resource]) -> None:
    """Each of the signature's bits; the other segments' are flipped by test_fuzzed_tokens."""
    token = system.log_in("bob")["access_token"]
    body, _, _ = token.rpartition(".")
    signature = parts(token)[2]
    flipped = {}
    for bit in range(len(signature) * 8):
        changed = bytearray(signature)
        changed[bit // 8] ^= 1 << bit % 8
        flipped[str(bit)] = f"{body}.{b64(bytes(changed))}"
    assert_refused(resources, flipped)
