"""Made-up kids, each of which looks like a key that a verifier has not heard of yet (KEY-04)."""

import time

from tests.attacks.forge import claims, signed
from tests.attacks.impostor import Impostor, answering
from tests.attacks.key_sets import EVIL, GOOD, HONEST, as_set
from tests.attacks.system import Resource, System
from tests.attacks.verdicts import assert_accepted, present

ISSUER = "http://127.0.0.1:1"


def made_up(number: int) -> str:
    header = {"alg": "Ed25519", "typ": "at+jwt", "kid": f"made-up-{number}"}
    return signed(header, claims(ISSUER), EVIL, "Ed25519")


def test_made_up_kids_are_no_storm_of_fetches(system: System) -> None:
    """Whoever asks for whatever: one fetch a cool-down (5 s), beside the regular one at the set's max-age."""
    with Impostor(answering(as_set([HONEST]), headers="Cache-Control: max-age=3600")) as impostor:
        settings = {"RESOURCE_ISSUER": ISSUER, "RESOURCE_JWKS_URL": impostor.url}
        process = system.start("stampede", "resource_server", settings)
        process.wait_ready(60)
        server = Resource("stampede", "plain-jwt", process)
        assert 401 == present(server, made_up(0)).status
        fetched, began = impostor.fetches, time.monotonic()
        for number in range(1500):
            assert 401 == present(server, made_up(number)).status
        assert impostor.fetches - fetched <= 1 + (time.monotonic() - began) / 5
        good = signed({"alg": "Ed25519", "typ": "at+jwt", "kid": "good"}, claims(ISSUER), GOOD, "Ed25519")
        assert_accepted([server], good)
