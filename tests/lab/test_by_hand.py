import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.by_hand import NotBase64url, base64url_decode, base64url_encode, hmac_sha256


@given(st.binary(max_size=300))
def test_base64url_by_hand_is_the_librarys(data: bytes) -> None:
    expected = base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    assert expected == base64url_encode(data)
    assert data == base64url_decode(expected)


@given(st.text(alphabet="ABCabc019-_=+/ \n", max_size=12))
def test_every_byte_string_has_one_spelling(text: str) -> None:
    try:
        data = base64url_decode(text)
    except NotBase64url:
        return
    assert text == base64url_encode(data)


@pytest.mark.parametrize("text", ["YQ==", "YR", "A", "AA A", "AA+A", "AA/A", "ä", "AA\n"])
def test_any_other_spelling_is_refused(text: str) -> None:
    with pytest.raises(NotBase64url):
        base64url_decode(text)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_the_hmac_by_hand_is_the_librarys(secret: bytes, message: bytes) -> None:
    assert hmac.digest(secret, message, hashlib.sha256) == hmac_sha256(secret, message)
