import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from lab.by_hand import base64url_encode, hmac_sha256
from lab.cli import main
from lab.explanation import explain
from lab.signature_checks import SharedSecret

WELL_KNOWN = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
    ".eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ"
    ".SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
)
SECRET = "your-256-bit-secret"


def run(*arguments: str, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(main, ["explain", *arguments], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def explained(*arguments: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(run("--json", *arguments).stdout)
    return data


def failed(data: dict[str, Any]) -> list[str]:
    return [check["name"] for check in data["checks"] if check["verdict"] == "failed"]


def test_the_well_known_token_verifies_with_its_secret() -> None:
    result = run(WELL_KNOWN, "--secret", SECRET)
    assert result.exit_code == 0
    assert "signed, not encrypted" in result.stdout
    assert "The signature verifies" in result.stdout


def test_rules_that_the_well_known_token_breaks_are_advice() -> None:
    data = explained(WELL_KNOWN, "--secret", SECRET)
    assert data["ok"] is True
    assert failed(data) == []
    advised = {check["name"] for check in data["checks"] if check["verdict"] == "advice"}
    assert {"exp", "kid", "aud", "secret"} <= advised


@pytest.mark.parametrize("position", range(len(WELL_KNOWN)))
def test_one_changed_character_anywhere_is_refused_and_the_check_named(position: int) -> None:
    other = "A" if WELL_KNOWN[position] != "A" else "B"
    tampered = WELL_KNOWN[:position] + other + WELL_KNOWN[position + 1 :]
    result = run(tampered, "--secret", SECRET)
    assert result.exit_code == 1
    assert "Refused by the check" in result.stdout


def test_another_spelling_of_the_same_signature_is_refused() -> None:
    """The last character's spare bits are ignored by lenient decoders: c and d would give the same bytes."""
    data = explained(WELL_KNOWN[:-1] + "d", "--secret", SECRET)
    assert ["signature form"] == failed(data)


def test_the_wrong_secret_fails_at_the_mac() -> None:
    assert ["mac"] == failed(explained(WELL_KNOWN, "--secret", "another"))


def test_without_a_key_everything_but_the_signature_is_explained() -> None:
    result = run(WELL_KNOWN)
    assert result.exit_code == 1
    assert "John Doe" in result.stdout
    assert "no key was given" in result.stdout


def test_a_secret_may_be_given_as_base64url() -> None:
    assert run(WELL_KNOWN, "--secret-base64url", "eW91ci0yNTYtYml0LXNlY3JldA").exit_code == 0


def test_the_token_may_come_from_standard_input() -> None:
    assert run("-", "--secret", SECRET, stdin=f"  Bearer {WELL_KNOWN}\n").exit_code == 0


def test_a_quoted_token_is_read_and_the_quotes_are_mentioned() -> None:
    data = explained(f'"{WELL_KNOWN}"', "--secret", SECRET)
    assert data["ok"] is True
    assert any("quotes" in note for note in data["notes"])


@pytest.mark.parametrize(
    ("token", "check"),
    [
        ("", "parts"),
        ("hello", "parts"),
        (WELL_KNOWN.rsplit(".", 1)[0], "parts"),
        (WELL_KNOWN.rsplit(".", 1)[0] + ".", "parts"),
        (WELL_KNOWN + ".x.y", "parts"),
        (WELL_KNOWN[:60] + "." + WELL_KNOWN.rsplit(".", 1)[1], "payload"),
        ("e30=.e30.AA", "header"),
        ("W10.e30.AA", "header"),
        ("e30.eyJhIjoxLCJhIjoyfQ.AA", "payload"),
        ("ÿ.ÿ.ÿ", "header"),
    ],
)
def test_what_is_not_a_token_is_refused_at_a_named_check_and_never_with_a_traceback(token: str, check: str) -> None:
    assert check in failed(explained("--secret", SECRET, "--", token))


def test_a_partial_token_still_decodes_as_far_as_it_goes() -> None:
    result = run(WELL_KNOWN[:61])
    assert "HS256" in result.stdout
    assert "1234567" in result.stdout


@given(st.text())
def test_no_text_whatever_raises(text: str) -> None:
    explanation = explain(text, SharedSecret(b"x"))
    assert not explanation.verified


def test_alg_none_is_refused_at_the_algorithm() -> None:
    token = "eyJhbGciOiJub25lIn0.e30.AAAA"
    assert ["algorithm"] == failed(explained(token, "--secret", SECRET))


def test_another_hash_is_refused_at_the_algorithm() -> None:
    token = jwt.encode({"sub": "a"}, "s" * 64, algorithm="HS512")
    assert ["algorithm"] == failed(explained(token, "--secret", "s" * 64))


@pytest.fixture(params=["Ed25519", "ES256", "RS256"])
def signed(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Path]:
    match request.param:
        case "Ed25519":
            ed_key = ed25519.Ed25519PrivateKey.generate()
            token = jwt.encode({"sub": "a"}, ed_key, algorithm="EdDSA", headers={"kid": "one"})
            jwk = OKPAlgorithm.to_jwk(ed_key.public_key(), as_dict=True)
        case "ES256":
            ec_key = ec.generate_private_key(ec.SECP256R1())
            token = jwt.encode({"sub": "a"}, ec_key, algorithm="ES256", headers={"kid": "one"})
            jwk = ECAlgorithm.to_jwk(ec_key.public_key(), as_dict=True)
        case _:
            rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            token = jwt.encode({"sub": "a"}, rsa_key, algorithm="RS256", headers={"kid": "one"})
            jwk = RSAAlgorithm.to_jwk(rsa_key.public_key(), as_dict=True)
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [{**jwk, "kid": "one"}]}))
    return token, file


def test_a_signature_verifies_with_the_public_key(signed: tuple[str, Path]) -> None:
    token, jwks = signed
    assert explained(token, "--jwks", str(jwks))["ok"] is True


def test_a_changed_payload_fails_at_the_signature(signed: tuple[str, Path]) -> None:
    token, jwks = signed
    header, _, signature = token.split(".")
    assert ["signature"] == failed(explained(f"{header}.e30.{signature}", "--jwks", str(jwks)))


def test_a_key_of_another_name_is_not_tried(signed: tuple[str, Path]) -> None:
    token, jwks = signed
    jwks.write_text(jwks.read_text().replace('"one"', '"two"'))
    assert ["key"] == failed(explained(token, "--jwks", str(jwks)))


def test_a_public_key_is_never_taken_as_a_shared_secret(signed: tuple[str, Path]) -> None:
    _, jwks = signed
    signing_input = base64url_encode(b'{"alg":"HS256","kid":"one"}') + ".e30"  # PyJWT refuses to forge this
    forged = f"{signing_input}.{base64url_encode(hmac_sha256(jwks.read_bytes(), signing_input.encode()))}"
    assert ["algorithm"] == failed(explained(forged, "--jwks", str(jwks)))


@pytest.mark.parametrize("content", ["", "[]", '{"keys": 1}', "no json"])
def test_an_unreadable_key_set_is_one_line_and_exit_code_2(content: str, tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(content)
    result = run(WELL_KNOWN, "--jwks", str(file))
    assert result.exit_code == 2
    assert "JWK Set" in result.stderr


def test_a_key_set_that_is_not_there_is_exit_code_2() -> None:
    assert run(WELL_KNOWN, "--jwks", "http://127.0.0.1:1/jwks.json").exit_code == 2


def test_two_kinds_of_key_at_once_are_refused() -> None:
    assert run(WELL_KNOWN, "--secret", "a", "--jwks", "b").exit_code == 2
