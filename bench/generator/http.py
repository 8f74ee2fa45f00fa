"""As much of HTTP/1.1 as a generator needs: where a response ends, and where its body begins."""

import re
from typing import NamedTuple

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked", re.IGNORECASE)
_BODILESS = (b"204", b"304")


class MalformedResponse(Exception):
    """What came back is not an HTTP/1.1 response that ends anywhere."""


class Extent(NamedTuple):
    """Where the body of a complete response lies in the bytes received."""

    body_at: int
    end: int


def find_extent(data: bytes) -> Extent | None:
    """Return where a response lies, or None while a part of it is missing; raise MalformedResponse."""
    head_end = data.find(b"\r\n\r\n")
    if head_end < 0:
        return None
    body_at = head_end + 4
    # Most servers spell the header like this, and a search for fixed bytes is several times faster than a pattern.
    length_at = data.find(b"\r\nContent-Length: ", 0, head_end)
    if length_at >= 0:
        end = body_at + int(data[length_at + 18 : data.find(b"\r\n", length_at + 18)])
    else:
        found = _find_end(data, body_at)
        if found is None:
            return None
        end = found
    return Extent(body_at, end) if len(data) >= end else None


def _find_end(data: bytes, body_at: int) -> int | None:
    head = data[:body_at]
    if length := _LENGTH.search(head):
        return body_at + int(length[1])
    if _CHUNKED.search(head):
        return _find_last_chunk(data, body_at)
    if data[9:12] in _BODILESS:
        return body_at
    raise MalformedResponse(head[:200].decode("latin-1"))


def _find_last_chunk(data: bytes, at: int) -> int | None:
    while (line_end := data.find(b"\r\n", at)) >= 0:
        size = int(data[at:line_end].split(b";")[0], 16)
        at = line_end + 2 + size + 2
        if size == 0:
            return at if len(data) >= at else None
    return None


def read_body(data: bytes, extent: Extent) -> bytes:
    """Return the body of a complete response, chunks joined."""
    body = data[extent.body_at : extent.end]
    if not _CHUNKED.search(data[: extent.body_at]):
        return body
    joined, at = b"", 0
    while (line_end := body.find(b"\r\n", at)) >= 0 and (size := int(body[at:line_end].split(b";")[0], 16)):
        joined += body[line_end + 2 : line_end + 2 + size]
        at = line_end + 2 + size + 2
    return joined
