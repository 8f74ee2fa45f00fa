"""HMAC is HMAC, however the key was prepared."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.prepared_hmac import PreparedHmac

RFC_4231 = [
    (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
]


@pytest.mark.parametrize(("secret", "message", "expected"), RFC_4231)
def test_the_vectors_of_rfc_4231_come_out(secret: bytes, message: bytes, expected: str) -> None:
    assert expected == PreparedHmac(secret).digest(message).hex()


@given(secret=st.binary(max_size=200), message=st.binary(max_size=500))
def test_it_makes_the_bytes_of_the_standard_library(secret: bytes, message: bytes) -> None:
    assert hmac.digest(secret, message, "sha256") == PreparedHmac(secret).digest(message)


def test_a_wrong_or_short_mac_is_refused() -> None:
    prepared = PreparedHmac(b"s" * 32)
    mac = prepared.digest(b"message")
    assert prepared.verifies(b"message", mac)
    assert not prepared.verifies(b"message", mac[:-1])
    assert not prepared.verifies(b"message", b"")
    assert not prepared.verifies(b"massage", mac)


def test_equal_secrets_are_equal_and_none_is_shown() -> None:
    secret = bytes(range(32))
    assert PreparedHmac(secret) == PreparedHmac(secret)
    assert PreparedHmac(secret) != PreparedHmac(secret[:-1] + b"x")
    assert "PreparedHmac()" == repr(PreparedHmac(secret))
