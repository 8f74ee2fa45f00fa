"""Read the body of an answer whole, however its bytes arrive, and never more of it than expected."""

from aiohttp import ClientPayloadError, StreamReader


async def whole_body(content: StreamReader, *, max_bytes: int) -> bytes:
    """Return the body; raise `ClientPayloadError` for one of more than `max_bytes`."""
    data = await content.read(max_bytes + 1)
    while not content.at_eof() and len(data) <= max_bytes:
        data += await content.read(max_bytes + 1 - len(data))
    if len(data) > max_bytes:
        raise ClientPayloadError(f"the body has more than {max_bytes} bytes")
    return data
