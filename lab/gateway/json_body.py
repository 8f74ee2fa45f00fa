"""Read what the page sends, typed."""

from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from core.answers import encode_json

M = TypeVar("M", bound=BaseModel)


async def json_body(request: web.Request, model: type[M]) -> M:
    """Return the body as `model`; answer 400 for anything else."""
    try:
        return model.model_validate_json(await request.read())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "body"
        body = {"type": "about:blank", "status": 400, "code": "bad_request", "detail": f"{where}: {first['msg']}"}
        raise web.HTTPBadRequest(text=encode_json(body), content_type="application/problem+json") from error
