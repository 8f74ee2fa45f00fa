"""F-13: what is served where the key set should be is an error, a page, nothing, too much, too slow, or other keys."""

import time
from collections.abc import Iterator

import pytest

from tests.attacks.forge import claims, signed
from tests.attacks.impostor import Answering, Impostor, answering, in_pieces, without_end
from tests.attacks.key_sets import EVIL, GOOD, HONEST, as_set, jwk
from tests.attacks.wire import bearer, call
from tests.faults.conftest import RowOf
from tests.faults.experiment import Experiment
from tests.faults.house import House
from tests.faults.lines import REFUSES, reads
from tests.faults.oracle import End
from tests.faults.people import Credential
from tests.support.environments import ISSUER

pytestmark = pytest.mark.faults

MAX_STALE_S = 3
"""Of one server, so that the lies last longer than it trusts what it knows."""
GONE_WITHIN_S = 4.0
"""A set is asked for each second here, and a fetch has two; the rest is for a busy machine."""
GOOD_SET = as_set([HONEST])
OTHER_SET = as_set([jwk(EVIL, "evil")])
BOTH = as_set([HONEST, jwk(EVIL, "evil")])
LIES: dict[str, Answering] = {
    "500": answering(BOTH, status="500 Internal Server Error"),
    "HTML": answering(b"<!doctype html><title>Sign in to this network</title>", headers="Content-Type: text/html"),
    "no body": answering(b""),
    "no keys": answering(as_set([])),
    "64 KiB and one byte": answering(BOTH.ljust(65537)),
    "without end": without_end,
    "a slow drip": in_pieces(BOTH, pause_s=0.1),
    "a symmetric key among the others": answering(as_set([HONEST, {"kty": "oct", "kid": "evil", "k": "AAAA"}])),
}


@pytest.fixture
def impostor() -> Iterator[Impostor]:
    with Impostor(answering(GOOD_SET)) as impostor:
        yield impostor


def token_of(key: object, kid: str) -> str:
    return signed({"alg": "Ed25519", "typ": "at+jwt", "kid": kid}, claims(ISSUER), key, "Ed25519")


def credentials(key: object, kid: str, count: int) -> list[Credential]:
    tokens = [token_of(key, kid) for _ in range(count)]
    return [Credential(f"{kid}-{number}", "root", f"Authorization: Bearer {token}") for number, token in
            enumerate(tokens)]  # fmt: skip


def wait_for_fetches(impostor: Impostor, count: int) -> None:
    """Return once the key set was asked for so often again."""
    wanted, deadline = impostor.fetches + count, time.monotonic() + 15
    while impostor.fetches < wanted:
        assert time.monotonic() < deadline, "nobody asked for the keys any more"
        time.sleep(0.02)


def seconds_until(status: int, port: int, token: str) -> float:
    """Return how long it takes until a server answers so; every other answer until then must be 200 or 401."""
    began_s = time.monotonic()
    while (answered := call(port, "GET", "/me", bearer(token)).status) != status:
        assert answered in {200, 401}, answered
        assert time.monotonic() - began_s < GONE_WITHIN_S, f"{answered} and not {status}"
        time.sleep(0.02)
    return time.monotonic() - began_s


def test_the_last_good_keys_are_kept_whatever_is_served_in_their_place(
    house: House, row_of: RowOf, impostor: Impostor
) -> None:
    source = {"RESOURCE_JWKS_URL": impostor.url}
    patient = house.resource("plain-jwt", name="patient", **source)
    strict = house.resource("plain-jwt", name="strict", RESOURCE_JWKS_MAX_STALE_S=str(MAX_STALE_S), **source)
    uncached = house.resource("plain-jwt", name="uncached", RESOURCE_TOKEN_CACHE="0", **source)
    house.ready()
    honest, forged = credentials(GOOD, "good", 20), credentials(EVIL, "evil", 20)
    lines = [
        reads("good key", patient, honest, 40),
        reads("good key, no token cache", uncached, honest, 40),
        reads("good key, trusted for 3 s", strict, honest, 40, may_fail=REFUSES),
        reads("key of another", patient, forged, 20),
    ]
    with row_of(
        "F-13", "Key set is not what it should be",
        injected=f"where the key set is fetched every second: {', '.join(LIES)}; each until it was fetched by "
        "every server; then a good set again, and a set of other keys alone",
        promise="the last good keys stay in use, not one 401; a server that may trust them for 3 s answers 503 after "
        "that and recovers within 2.5 s of a good set; each failed fetch is logged; no key of a refused set is used",
    ) as row:  # fmt: skip
        experiment = Experiment("one lie after the other", lines, [patient, strict, uncached], recovers_within_s=2.5)
        experiment.ends.update({one.caller: End(0.0, 0.0) for one in forged})
        with experiment.running(after_s=3.5), experiment.fault():
            for lie in LIES.values():
                impostor.answer = lie
                wait_for_fetches(impostor, 3)
            impostor.answer = answering(GOOD_SET)
        row.runs.append(experiment.measured)
        failed = house.log("patient").count("keys.fetch_failed")
        assert failed >= len(LIES), "each failure is there for an alarm to see"
        row.notes.append(f"{failed} failed fetches in the log of the server that noticed nothing else")
        refused = experiment.measured.verdicts["good key, trusted for 3 s"].outcomes["503"]
        assert refused, "the lies went on for longer than this server trusts its keys"
        row.notes.append(other_keys_are_obeyed(impostor, patient.port))


def other_keys_are_obeyed(impostor: Impostor, port: int) -> str:
    """Serve a good set without our key: that is how a stolen key is taken back, so it must count."""
    good, other = token_of(GOOD, "good"), token_of(EVIL, "evil")
    assert 200 == call(port, "GET", "/me", bearer(good)).status
    impostor.answer = answering(OTHER_SET)
    gone_s = seconds_until(401, port, good)
    assert 200 == call(port, "GET", "/me", bearer(other)).status
    impostor.answer = answering(GOOD_SET)
    back_s = seconds_until(200, port, good)
    assert 401 == call(port, "GET", "/me", bearer(other)).status
    return (
        "a well-formed set of other keys alone is obeyed, for it is how a stolen key is taken back: tokens of the "
        f"missing key were refused after {gone_s:.2f} s, and served {back_s:.2f} s after it was published again"
    )
