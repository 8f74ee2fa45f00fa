"""The examples that the RFCs print: our signatures are theirs, and no server takes one of their tokens."""

import json
import time

import pytest

from core.keys import VerificationKey, public_ring, secret_key
from core.strict_json import NotStrict, base64url_bytes
from tests.attacks.forge import unb64
from tests.attacks.insider import Insider
from tests.attacks.system import Resource
from tests.attacks.verdicts import assert_refused

CLAIMS = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
FRODO = (
    "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlm"
    "IHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4"
)
TOKENS = {
    "RFC 7515 A.1, HS256": (
        f"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{CLAIMS}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    ),
    "RFC 7515 A.2, RS256": (
        f"eyJhbGciOiJSUzI1NiJ9.{CLAIMS}."
        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZ"
        "cAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-e"
        "OkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
    ),
    "RFC 7515 A.3, ES256": (
        f"eyJhbGciOiJFUzI1NiJ9.{CLAIMS}."
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    ),
    "RFC 7520 §4.1, RS256": (
        f"eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.{FRODO}."
        "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185"
        "hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de"
        "3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg"
    ),
    "RFC 7520 §4.4, HS256": (
        f"eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9.{FRODO}."
        "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0"
    ),
    "RFC 8037 A.4, Ed25519": (
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    ),
}
JWKS = {
    "RFC 7515 A.2, RS256": {
        "kty": "RSA",
        "n": (
            "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMs"
            "D1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdV"
            "MTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
        ),
        "e": "AQAB",
    },
    "RFC 7515 A.3, ES256": {
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    },
    "RFC 7520 §4.1, RS256": {
        "kty": "RSA",
        "n": (
            "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_Ns"
            "YOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCu"
            "EHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw"
        ),
        "e": "AQAB",
    },
    "RFC 8037 A.4, Ed25519": {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
}
SECRETS = {
    "RFC 7515 A.1, HS256": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    "RFC 7520 §4.4, HS256": "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",
}
UNSECURED = f"eyJhbGciOiJub25lIn0.{CLAIMS}."
JSON_SERIALIZED = {
    "RFC 7515 A.7, flattened": {
        "payload": CLAIMS,
        "protected": "eyJhbGciOiJFUzI1NiJ9",
        "header": {"kid": "e9bc097a-ce51-4036-9562-d2ade882db0d"},
        "signature": TOKENS["RFC 7515 A.3, ES256"].rpartition(".")[2],
    },
    "RFC 7515 A.6, general": {
        "payload": CLAIMS,
        "signatures": [
            {
                "protected": "eyJhbGciOiJSUzI1NiJ9",
                "header": {"kid": "2010-12-29"},
                "signature": TOKENS["RFC 7515 A.2, RS256"].rpartition(".")[2],
            }
        ],
    },
}


def key_of(name: str) -> VerificationKey:
    if name in SECRETS:
        return secret_key(unb64(SECRETS[name]), "k")
    algorithm = name.rpartition(" ")[2]
    key = public_ring(json.dumps({"keys": [{**JWKS[name], "kid": "k", "alg": algorithm}]}).encode()).get("k")
    assert key is not None
    return key


@pytest.mark.parametrize("name", TOKENS)
def test_the_signature_that_an_rfc_prints_verifies(name: str) -> None:
    signing_input, _, signature = TOKENS[name].rpartition(".")
    assert key_of(name).verifies(signing_input.encode(), base64url_bytes(signature))
    assert not key_of(name).verifies(signing_input.encode() + b"x", base64url_bytes(signature))


def test_no_server_takes_any_of_them(resources: list[Resource]) -> None:
    others = {name: json.dumps(value, separators=(",", ":")) for name, value in JSON_SERIALIZED.items()}
    header, _, signature = TOKENS["RFC 7515 A.1, HS256"].split(".")
    detached = {"RFC 7515 F, detached": f"{header}..{signature}", "RFC 7515 A.5, unsecured": UNSECURED}
    assert_refused(resources, TOKENS | others | detached)


def test_the_padding_and_alphabet_of_rfc_7515_c_are_held_to() -> None:
    assert bytes([3, 236, 255, 224, 193]) == base64url_bytes("A-z_4ME")
    for lenient in ("A-z_4ME=", "A+z/4ME", "A-z_4MF", "A-z_4M E", "A-z_4ME\n"):
        with pytest.raises(NotStrict):
            base64url_bytes(lenient)


def test_the_claims_of_rfc_7519_are_too_few_for_us(resources: list[Resource], insider: Insider) -> None:
    """RFC 7519 requires no claim at all; RFC 9068 does."""
    claims = {"iss": insider.issuer, "exp": int(time.time()) + 60, "http://example.com/is_root": True}
    assert_refused(resources, {"RFC 7519 §3.1": insider.sign(None, claims)})
