"""A token signed with an empty or absent secret (CVE-2019-20933, CVE-2020-28637, CVE-2026-49852; `jwt_tool -X b`)."""

from tests.attacks.forge import signed
from tests.attacks.insider import Insider
from tests.attacks.system import Resource, System
from tests.attacks.verdicts import assert_refused

BLANKS = {"empty": b"", "NUL": b"\0", "32 NULs": bytes(32), "space": b" ", "newline": b"\n"}
WORDS = {word: word.encode() for word in ("null", "None", "nil", "undefined", "false", "0", '""', "[]", "{}")}


def test_a_token_signed_with_nothing_is_refused(resources: list[Resource], insider: Insider) -> None:
    tokens = {name: signed(insider.header(), insider.claims(), key) for name, key in (BLANKS | WORDS).items()}
    assert_refused(resources, tokens)


def test_a_server_with_public_keys_refuses_it_too(system: System) -> None:
    for algorithm in ("Ed25519", "ES256", "RS256"):
        insider = Insider(system.auth(algorithm).url, system.public_jwk(algorithm)["kid"], b"")
        tokens = {name: signed(insider.header(), insider.claims(), key) for name, key in (BLANKS | WORDS).items()}
        assert_refused(system.resources(algorithm), tokens)
