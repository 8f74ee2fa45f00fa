"""A second signature made from the first: with ES256, (r, n - s) signs the same bytes for everybody who can subtract.

It must verify, as RFC 7515 has it; and it must not be another token to whoever keeps a list of revoked ones.
"""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from auth_server.key_store import SigningKey
from tests.attacks.forge import b64, unb64
from tests.attacks.system import Resource, System
from tests.attacks.verdicts import assert_accepted, assert_refused, eventually_refused
from tests.attacks.wire import bearer, call

N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def mirrored(token: str) -> str:
    body, _, text = token.rpartition(".")
    signature = unb64(text)
    s = int.from_bytes(signature[32:], "big")
    return f"{body}.{b64(signature[:32] + (N - s).to_bytes(32, 'big'))}"


@pytest.fixture(scope="module")
def servers(system: System) -> list[Resource]:
    return system.resources("ES256")


def test_the_mirrored_signature_is_as_good_as_the_first(system: System, servers: list[Resource]) -> None:
    token = system.log_in("root", "ES256")["access_token"]
    assert mirrored(token) != token
    assert_accepted(servers, mirrored(token))


def test_no_two_signatures_share_a_nonce() -> None:
    """JWT-23: a nonce used twice gives the private key away (PlayStation 3, 2010)."""
    signer = SigningKey("k", "ES256", ec.generate_private_key(ec.SECP256R1()))
    firsts = {unb64(signer.sign({"jti": str(number)}).rpartition(".")[2])[:32] for number in range(10_000)}
    assert 10_000 == len(firsts)


@pytest.mark.parametrize("shown_before", [True, False])
def test_it_does_not_escape_a_logout(system: System, servers: list[Resource], *, shown_before: bool) -> None:
    token = system.log_in("root", "ES256")["access_token"]
    if shown_before:
        assert_accepted(servers, token)
        assert_accepted(servers, mirrored(token))
    assert 204 == call(system.auth("ES256").port, "POST", "/logout", bearer(token)).status
    revoking = [server for server in servers if server.strategy != "plain-jwt"]
    eventually_refused(revoking, token)
    assert_refused(revoking, {"first": token, "mirrored": mirrored(token)})


def test_a_logout_with_the_mirrored_text_ends_the_first(system: System, servers: list[Resource]) -> None:
    token = system.log_in("root", "ES256")["access_token"]
    assert 204 == call(system.auth("ES256").port, "POST", "/logout", bearer(mirrored(token))).status
    revoking = [server for server in servers if server.strategy != "plain-jwt"]
    eventually_refused(revoking, token)
    assert_refused(revoking, {"first": token, "mirrored": mirrored(token)})
