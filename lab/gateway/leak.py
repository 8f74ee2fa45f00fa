"""`/lab/leak`: what somebody who breaks into a resource server finds there, when the learner asks for it."""

import asyncio
import json
from pathlib import Path

from aiohttp import web

from lab.gateway.access import LEARNER, problem

LEAK_FILE = web.AppKey("leak_file", Path)


async def leak(request: web.Request) -> web.StreamResponse:
    """Hand out the key set that the resource servers verify with."""
    if LEAK_FILE not in request.app:
        return problem(501, "no_leak", "This gateway was not told where the resource servers keep their keys.")
    path = request.app[LEAK_FILE]
    try:
        keys = json.loads(await asyncio.to_thread(path.read_text, encoding="utf-8"))
    except (OSError, ValueError):
        return problem(503, "out_of_reach", f"{path.name} cannot be read now.")
    request[LEARNER].log.add("leak", {"file": path.name, "keys": keys})
    return web.json_response(keys)
