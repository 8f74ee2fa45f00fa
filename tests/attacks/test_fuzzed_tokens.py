"""A valid token changed at random, 100,000 times: never accepted, and never an exception of another kind (JWT-20).

The bulk runs against the verifier itself, for speed; a sample of it against the servers.
"""

import random
import string
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.access_token import TokenVerifier
from core.errors import Rejected
from core.keys import KeyRing, secret_key
from tests.attacks.insider import Insider
from tests.attacks.system import Resource
from tests.attacks.verdicts import assert_refused, present

MUTATIONS = 100_000
SAMPLE = 400
FORGER = Insider("http://issuer.test", "kid-of-a-key", bytes(range(100, 132)))
RING = KeyRing([secret_key(FORGER.key, FORGER.kid)])
ALPHABET = string.ascii_letters + string.digits + "-_"
JUNK = [
    *ALPHABET,
    ".",
    "=",
    "+",
    "/",
    " ",
    "\0",
    "\n",
    "%",
    '"',
    "{",
    "}",
    "é",
    "\u0130",
    "\ud800",
    "\U0001f600",
    "\x7f",
]


def verifier() -> TokenVerifier:
    return TokenVerifier(issuer=FORGER.issuer, audiences=frozenset({"authlab-api"}), ring=lambda: RING, clock=time.time)


def mutated(token: str, draw: random.Random) -> str:
    """Change a token in one to three places: another character, one more, one less, two swapped, a piece twice."""
    for _ in range(draw.randint(1, 3)):
        place = draw.randrange(len(token))
        match draw.randrange(6):
            case 0:
                token = token[:place] + draw.choice(JUNK) + token[place + 1 :]
            case 1:
                token = token[:place] + draw.choice(JUNK) + token[place:]
            case 2:
                token = token[:place] + token[place + 1 :]
            case 3:
                other = draw.randrange(len(token))
                token = token[:place] + token[other : other + draw.randint(1, 40)] + token[place:]
            case 4:
                token = token[:place] + token[place : place + 2][::-1] + token[place + 2 :]
            case _:
                token = token[:place] + token[place:][: -draw.randint(1, 5)]
        if not token:
            return "."
    return token


def test_no_mutation_of_a_valid_token_is_accepted_and_none_breaks_the_verifier() -> None:
    judge = verifier()
    draw = random.Random(20261124)
    token = FORGER.sign(None, FORGER.claims(exp=time.time() + 3600))
    assert "root" == judge.verify(token).subject.id
    reasons: dict[str, int] = {}
    for _ in range(MUTATIONS):
        text = mutated(token, draw)
        if text == token:
            continue
        with pytest.raises(Rejected) as refused:
            judge.verify(text)
        reasons[refused.value.reason] = reasons.get(refused.value.reason, 0) + 1
    assert {"parse", "mac"} <= reasons.keys()
    assert sum(reasons.values()) > MUTATIONS * 0.98
    assert "root" == judge.verify(token).subject.id


def test_every_character_replaced_by_every_other_is_refused() -> None:
    judge = verifier()
    token = FORGER.sign()
    for place, letter in enumerate(token):
        for other in JUNK:
            if other != letter:
                with pytest.raises(Rejected):
                    judge.verify(token[:place] + other + token[place + 1 :])


@settings(max_examples=1000, deadline=None)
@given(st.text(max_size=200) | st.text(alphabet=[*ALPHABET, ".", "="], max_size=300))
@example("..")
@example("e30.e30.e30")
@example("\ud800.\ud800.\ud800")
def test_no_text_at_all_is_accepted_or_breaks_the_verifier(text: str) -> None:
    with pytest.raises(Rejected):
        verifier().verify(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["iss", "aud", "sub", "client_id", "iat", "exp", "nbf", "jti", "sid", "name", "roles", "scope"])


@settings(max_examples=1000, deadline=None)
@given(st.dictionaries(NAMES, JSON, max_size=4), st.dictionaries(st.sampled_from(["alg", "typ", "kid", "x"]), JSON))
def test_rightly_signed_nonsense_is_judged_and_never_breaks_the_verifier(
    claims: dict[str, object], header: dict[str, object]
) -> None:
    """Behind the signature the verifier must be as robust as before it: a key may leak."""
    token = FORGER.sign({**FORGER.header(), **header}, {**FORGER.claims(), **claims})
    try:
        verified = verifier().verify(token)
    except Rejected:
        return
    assert isinstance(verified.subject.id, str)
    assert verified.subject.id
    assert verified.issued_at < verified.expires_at
    assert all(isinstance(role, str) for role in verified.subject.roles)


def test_the_servers_refuse_mutations_as_well(resources: list[Resource], insider: Insider) -> None:
    draw = random.Random(20261125)
    token = insider.sign()
    tokens: dict[str, str | bytes] = {}
    while len(tokens) < SAMPLE:
        text = mutated(token, draw)
        raw = text.encode("utf-8", "surrogatepass")
        if text.strip(" ") != token and not set(raw) & {0, 10, 13, 127}:
            tokens[repr(text)] = raw
    assert_refused(resources, tokens)


def test_random_bytes_in_the_header_are_an_answer(resources: list[Resource]) -> None:
    draw = random.Random(20261126)
    for number in range(SAMPLE):
        resource = resources[number % len(resources)]
        answer = present(resource, bytes(draw.randrange(256) for _ in range(draw.randint(0, 300))))
        assert answer.status in {400, 401}, answer
