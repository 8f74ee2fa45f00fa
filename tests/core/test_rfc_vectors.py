"""The examples of the standards: their bytes verify with our keys, and what the standards only tell about is refused.

None of them is an access token of ours (RFC 9068), so the strict reader refuses each for that reason and no other.
"""

import json

import pytest

from core.access_token import TokenVerifier
from core.errors import Rejected
from core.keys import KeyRing, VerificationKey, public_ring, secret_key, thumbprint
from core.strict_json import base64url_bytes
from tests.attacks.forge import b64

A1_PAYLOAD = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
A1_KEY = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
A2_KEY = {
    "kty": "RSA",
    "n": (
        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZ"
        "S-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2"
        "R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcD"
        "TW9gb54h4FRWyuXpoQ"
    ),
    "e": "AQAB",
    "alg": "RS256",
    "kid": "A.2",
}
A3_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "alg": "ES256",
    "kid": "A.3",
}
RFC8037_KEY = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    "alg": "Ed25519",
    "kid": "8037-A.2",
}
A1_TOKEN = f"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{A1_PAYLOAD}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
A2_TOKEN = (
    f"eyJhbGciOiJSUzI1NiJ9.{A1_PAYLOAD}."
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t"
    "1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12j"
    "zDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQ"
    "Ge77Rw"
)
A3_TOKEN = (
    f"eyJhbGciOiJFUzI1NiJ9.{A1_PAYLOAD}."
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)
RFC8037_TOKEN = (
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)
A5_TOKEN = f"eyJhbGciOiJub25lIn0.{A1_PAYLOAD}."


def public_key(jwk: dict[str, str]) -> VerificationKey:
    (key,) = public_ring(json.dumps({"keys": [jwk]}).encode())
    return key


EXAMPLES = {
    "RFC 7515 A.1, HS256": (A1_TOKEN, secret_key(base64url_bytes(A1_KEY), "A.1")),
    "RFC 7515 A.2, RS256": (A2_TOKEN, public_key(A2_KEY)),
    "RFC 7515 A.3, ES256": (A3_TOKEN, public_key(A3_KEY)),
    "RFC 8037 A.4, Ed25519": (RFC8037_TOKEN, public_key(RFC8037_KEY)),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_signature_of_each_example_verifies(name: str) -> None:
    text, key = EXAMPLES[name]
    signing_input, _, signature = text.rpartition(".")
    assert key.verifies(signing_input.encode(), base64url_bytes(signature))
    assert not key.verifies(signing_input.encode() + b"A", base64url_bytes(signature))
    changed = bytearray(base64url_bytes(signature))
    changed[0] ^= 1
    assert not key.verifies(signing_input.encode(), bytes(changed))
    assert not key.verifies(signing_input.encode(), b"")


def test_the_thumbprint_of_rfc_8037_is_ours() -> None:
    """RFC 8037 A.3."""
    members = {name: RFC8037_KEY[name] for name in ("crv", "kty", "x")}
    assert "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k" == thumbprint(members)


JSON_FORMS = {
    "RFC 7515 A.5, unsecured": A5_TOKEN,
    "RFC 7515 A.6, general JSON": json.dumps({"payload": A1_PAYLOAD, "signatures": [{"signature": "DtEhU3"}]}),
    "RFC 7515 A.7, flattened JSON": json.dumps({"payload": A1_PAYLOAD, "protected": "eyJ", "signature": "DtEhU3"}),
    "RFC 7515 App. F, detached": A1_TOKEN.replace(A1_PAYLOAD, ""),
}


@pytest.mark.parametrize("name", [*EXAMPLES, *JSON_FORMS])
def test_none_of_the_examples_is_an_access_token(name: str) -> None:
    text = JSON_FORMS[name] if name in JSON_FORMS else EXAMPLES[name][0]
    ring = KeyRing([EXAMPLES[name][1]] if name in EXAMPLES else [])
    on = TokenVerifier(issuer="joe", audiences=frozenset({"a"}), ring=lambda: ring, clock=lambda: 1300819379.0)
    with pytest.raises(Rejected) as refused:
        on.verify(text)
    assert ("type" if name in EXAMPLES else "parse") == refused.value.reason


def test_a_signature_of_ecdsa_can_be_bent_and_still_verifies() -> None:
    """Why revocation must not be keyed on a token's text: (r, n - s) is as good as (r, s)."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    signing_input, _, signature = A3_TOKEN.rpartition(".")
    raw = base64url_bytes(signature)
    bent = raw[:32] + (order - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    assert b64(bent) != signature
    assert public_key(A3_KEY).verifies(signing_input.encode(), bent)
