"""A token that says it needs no signature (CVE-2015-9235 and its many heirs; `jwt_tool -X a`)."""

from itertools import product

import pytest

from tests.attacks.forge import b64, segment
from tests.attacks.insider import Insider
from tests.attacks.system import Resource, System
from tests.attacks.verdicts import assert_refused

SPELLINGS = ("none", "None", "NONE", "nOnE", "noNE", "none ", " none", "none\0", "noné", "n\u043ene", "")

# Lab 2 of the eight, as it was recorded: {"alg":"none"} over {"sub":"administrator"}, with an empty signature.
RECORDED = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbmlzdHJhdG9yIn0."


def without_signature(insider: Insider, algorithm: str) -> str:
    return f"{segment(insider.header(alg=algorithm))}.{segment(insider.claims())}"


@pytest.mark.parametrize("signature", ["", b64(b"\0" * 32), b64(b"none")], ids=["empty", "zeros", "word"])
def test_a_token_that_claims_to_need_no_signature_is_refused(
    resources: list[Resource], insider: Insider, signature: str
) -> None:
    tokens = {name: f"{without_signature(insider, name)}.{signature}" for name in SPELLINGS}
    assert_refused(resources, {"recorded": RECORDED, **tokens})


def test_a_real_signature_does_not_save_a_header_that_says_none(resources: list[Resource], insider: Insider) -> None:
    assert_refused(resources, {name: insider.sign(insider.header(alg=name)) for name in SPELLINGS})


def test_dropping_the_signature_and_its_dot_is_refused(resources: list[Resource], insider: Insider) -> None:
    good = insider.sign()
    header, payload, _ = good.split(".")
    tokens = {
        f"{name} {dots}": without_signature(insider, name) + "." * dots
        for name, dots in product(("none", "HS256"), range(3))
    }
    assert_refused(resources, {**tokens, "cut": f"{header}.{payload}", "cut and dotted": f"{header}.{payload}."})


@pytest.mark.parametrize("algorithm", ["Ed25519", "ES256", "RS256"])
def test_a_server_with_public_keys_refuses_it_too(system: System, algorithm: str) -> None:
    servers = system.resources(algorithm)
    kid = system.public_jwk(algorithm)["kid"]
    insider = Insider(system.auth(algorithm).url, kid, b"")
    assert_refused(servers, {name: f"{without_signature(insider, name)}." for name in SPELLINGS})
