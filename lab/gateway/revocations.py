"""Follow the revocations as the `pushed-jwt` servers do, and show each to every learner."""

import asyncio
from typing import Any

from core import redis_keys
from core.errors import Unavailable
from core.redis_link import RedisLink
from lab.gateway.learners import Learners

_BLOCK_MS = 1000
_TRY_AGAIN_S = 1.0
_ENTRIES_PER_READ = 100


async def follow_revocations(link: RedisLink, learners: Learners) -> None:
    """Tell every page of each revocation from now on, for ever. `link` must wait longer than a read blocks."""
    position: bytes | None = None
    while True:
        try:
            if position is None:
                position = await _newest(link)
            answer = await _read(link, position)
        except Unavailable:
            await asyncio.sleep(_TRY_AGAIN_S)
            continue
        for _stream, entries in answer or []:
            for entry, fields in entries:
                position = entry
                learners.tell_all("revocation", _data(fields))


async def _newest(link: RedisLink) -> bytes:
    newest: Any = await link.call(lambda client: client.xrevrange(redis_keys.REVOCATION_STREAM, count=1))
    position: bytes = newest[0][0] if newest else b"0-0"
    return position


async def _read(link: RedisLink, position: bytes) -> Any:
    streams: Any = {redis_keys.REVOCATION_STREAM: position}
    return await link.call(lambda client: client.xread(streams, count=_ENTRIES_PER_READ, block=_BLOCK_MS))


def _data(fields: dict[bytes, bytes]) -> dict[str, Any]:
    entry = {name.decode(): value.decode() for name, value in fields.items()}
    return {
        "what": entry.get("kind"),
        "value": entry.get("value"),
        "at": int(entry.get("at", 0)),
        "sequence": int(entry.get("sequence", 0)),
    }
