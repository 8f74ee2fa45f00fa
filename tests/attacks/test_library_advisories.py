"""What libraries were warned of, one forged token each, kept as bytes in advisories.json with what must refuse it.

The keys, the issuer and the clock are kept with them, so that nothing but the named fault is wrong with a token.
"""

import json
from pathlib import Path
from typing import Any

import jwt
import pytest

from core.access_token import TokenVerifier
from core.errors import Rejected
from core.keys import KeyRing, public_ring, secret_ring
from tests.attacks.system import Resource
from tests.attacks.verdicts import assert_refused

KEPT: dict[str, Any] = json.loads((Path(__file__).parent / "advisories.json").read_text())
FORGED: list[dict[str, str]] = KEPT["forged"]
RING = KeyRing(
    [*public_ring(json.dumps({"keys": KEPT["keys"]}).encode()), *secret_ring(json.dumps({"keys": [KEPT["secret"]]}))]
)


@pytest.fixture
def verifier() -> TokenVerifier:
    """Return a verifier that holds one key of each kind, the worst case: everything can be confused with everything."""
    return TokenVerifier(
        issuer=KEPT["issuer"], audiences=frozenset({"authlab-api"}), ring=lambda: RING, clock=lambda: float(KEPT["now"])
    )


@pytest.mark.parametrize("forged", FORGED, ids=[f"{one['advisory']}: {one['what']}" for one in FORGED])
def test_the_forged_token_is_refused_for_its_fault(verifier: TokenVerifier, forged: dict[str, str]) -> None:
    with pytest.raises(Rejected) as refused:
        verifier.verify(forged["token"])
    assert forged["refused_by"] == refused.value.reason


@pytest.mark.parametrize("algorithm", ["HS256", "Ed25519", "ES256", "RS256"])
def test_the_same_token_without_a_fault_is_accepted(verifier: TokenVerifier, algorithm: str) -> None:
    assert "root" == verifier.verify(KEPT["good"][algorithm]).subject.id


def test_no_server_takes_any_of_them(resources: list[Resource]) -> None:
    assert_refused(resources, {f"{one['advisory']} {one['what']}": one["token"] for one in FORGED})


def test_the_library_underneath_is_not_one_that_was_warned_of() -> None:
    """2.15.1 is the last of the advisories' fixes (SECURITY.md §2.4)."""
    assert tuple(map(int, jwt.__version__.split(".")[:2])) >= (2, 15)
