import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.generator.http import MalformedResponse, find_extent, read_body

BODY = b'{"sub":"user-0001"}'
OURS = b"HTTP/1.1 200 OK\r\nContent-Length: 19\r\nServer: authlab\r\n\r\n" + BODY
LOWER_CASE = b"HTTP/1.1 200 OK\r\nserver: other\r\ncontent-length:19\r\n\r\n" + BODY
CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{"sub":\r\nc;x=1\r\n"user-0001"}\r\n0\r\n\r\n'
NO_CONTENT = b"HTTP/1.1 204 No Content\r\nServer: authlab\r\n\r\n"


@pytest.mark.parametrize("response", [OURS, LOWER_CASE, CHUNKED])
def test_the_body_is_found_however_its_length_is_told(response: bytes) -> None:
    extent = find_extent(response)
    assert extent is not None
    assert len(response) == extent.end
    assert BODY == read_body(response, extent)


def test_a_response_without_content_ends_with_its_head() -> None:
    assert (len(NO_CONTENT), len(NO_CONTENT)) == find_extent(NO_CONTENT)


@pytest.mark.parametrize("response", [OURS, LOWER_CASE, CHUNKED, NO_CONTENT])
@given(data=st.data())
def test_no_beginning_of_a_response_is_taken_for_the_whole(response: bytes, data: st.DataObject) -> None:
    length = data.draw(st.integers(min_value=0, max_value=len(response) - 1))
    assert find_extent(response[:length]) is None


def test_a_response_that_ends_nowhere_is_refused() -> None:
    with pytest.raises(MalformedResponse):
        find_extent(b"HTTP/1.1 200 OK\r\nServer: authlab\r\n\r\n")
