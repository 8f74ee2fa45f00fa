import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.strict_json import NotStrict, base64url_bytes, base64url_text, is_256_bits, json_object


@given(st.binary())
def test_what_is_encoded_is_decoded(data: bytes) -> None:
    text = base64url_text(data)
    assert base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text
    assert data == base64url_bytes(text)


@given(st.text(alphabet="AQgw-_+/=. \n\0ß4z", max_size=12))
def test_each_byte_string_has_exactly_one_text(text: str) -> None:
    try:
        data = base64url_bytes(text)
    except NotStrict:
        return
    assert text == base64url_text(data)


@pytest.mark.parametrize(
    "text",
    [
        "QQ==",  # padding
        "QQ=",
        "=",
        "QR",  # spare bits that are not zero: the same byte as QQ
        "QUJ",
        "A",  # no number of bytes
        "QUJDR",
        "+/+/",  # the standard alphabet
        "QU JD",
        "QUJD\n",
        "QU\0D",
        "QUJß",
        "ＱＵＪＤ",  # noqa: RUF001 - full-width letters look alike
        "QU.D",
    ],
)
def test_another_text_for_the_same_bytes_is_refused(text: str) -> None:
    with pytest.raises(NotStrict):
        base64url_bytes(text)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'"text"',
        b"null",
        b"1",
        b"{",
        b"{} {}",
        b"{}x",
        b'{"a":1,}',
        b"{'a':1}",
        b'{"sub":"alice","sub":"root"}',
        b'{"a":{"b":1,"b":2}}',
        b'{"a":[{"b":1,"b":2}]}',
        b'{"a":1,"\\u0061":2}',  # the same name, written in another way
        b'{"exp":NaN}',
        b'{"exp":Infinity}',
        b'{"exp":-Infinity}',
        b'\xef\xbb\xbf{"a":1}',  # a byte order mark
        '{"a":1}'.encode("utf-16"),
        '{"a":1}'.encode("utf-16-le"),
        '{"a":1}'.encode("utf-32"),
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',  # a surrogate in UTF-8
        b'{"a":"\\ud800"}',  # a lone surrogate, escaped
        b'{"\\udfff":1}',
        b'{"a":"\x01"}',  # a raw control character
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":' * 20_000,
        b'{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    ],
    ids=lambda data: repr(data[:24]),
)
def test_text_that_is_not_one_clear_object_is_refused(data: bytes) -> None:
    with pytest.raises(NotStrict):
        json_object(data)


def test_an_object_is_read_as_it_is() -> None:
    data = '{"a":[1,2.5,true,null,{"b":"ß\\ud83d\\ude00"}]}'.encode()
    assert {"a": [1, 2.5, True, None, {"b": "ß😀"}]} == json_object(data)


@given(st.binary(max_size=64) | st.text(max_size=64).map(str.encode))
def test_any_bytes_are_an_object_or_not_strict(data: bytes) -> None:
    with contextlib.suppress(NotStrict):
        assert isinstance(json_object(data), dict)


def test_256_bits_have_one_form() -> None:
    good = base64url_text(bytes(range(32)))
    assert is_256_bits(good)
    bad = [good[:-1], good + "A", good[:-1] + "=", good[:-1] + "+", good[:-1] + "\udcff", good[:-1] + "é", "", "A" * 44]
    assert [] == [text for text in bad if is_256_bits(text)]
