import json
from typing import Any

import jwt
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from lab.by_hand import base64url_encode
from lab.cli import main

SECRET = "a-secret-of-at-least-thirty-two-bytes-for-hs256"
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def sign(*arguments: str) -> str:
    result = CliRunner().invoke(main, ["sign", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_the_well_known_token_comes_out() -> None:
    claims = '{"sub": "1234567890", "name": "John Doe", "iat": 1516239022}'
    expected = jwt.encode(json.loads(claims), "your-256-bit-secret")
    assert expected == sign("--secret", "your-256-bit-secret", "--claims", claims)


@given(st.dictionaries(st.sampled_from(["sub", "name", "ä", "roles", "x"]), JSON_VALUES))
def test_the_bytes_are_those_of_pyjwt(claims: dict[str, Any]) -> None:
    if "sub" in claims:
        claims["sub"] = str(claims["sub"])
    assert jwt.encode(claims, SECRET) == sign("--secret", SECRET, "--claims", json.dumps(claims))


def test_kid_and_typ_go_into_the_header_as_pyjwt_puts_them() -> None:
    expected = jwt.encode({"sub": "a"}, SECRET, headers={"kid": "k1", "typ": "at+jwt"})
    actual = sign("--secret", SECRET, "--claims", '{"sub": "a"}', "--kid", "k1", "--typ", "at+jwt")
    assert expected == actual


def test_a_base64url_secret_gives_the_same_token_as_its_text() -> None:
    as_text = sign("--secret", SECRET, "--claims", "{}")
    assert as_text == sign("--secret-base64url", base64url_encode(SECRET.encode()), "--claims", "{}")


def test_standard_output_holds_the_token_alone_and_the_steps_go_beside_it() -> None:
    result = CliRunner().invoke(main, ["sign", "--secret", SECRET, "--claims", "{}"])
    assert result.stdout.count(".") == 2
    assert "HMAC-SHA256" in result.stderr


def test_every_step_is_there_as_json() -> None:
    steps = json.loads(sign("--secret", SECRET, "--claims", '{"sub": "a"}', "--json"))
    assert steps["payload"] == '{"sub":"a"}'
    assert steps["token"].startswith(steps["signing_input"] + ".")


@pytest.mark.parametrize("claims", ["", "no json", "[]", '{"a": NaN}', '{"a": 1, "a": 2}'])
def test_claims_that_are_not_one_object_are_refused(claims: str) -> None:
    result = CliRunner().invoke(main, ["sign", "--secret", SECRET, "--claims", claims])
    assert result.exit_code == 2
    assert "--claims" in result.stderr


def test_a_token_needs_a_secret() -> None:
    assert CliRunner().invoke(main, ["sign", "--claims", "{}"]).exit_code == 2
