"""Read a request's body: bounded in size and time, of one type, with one meaning."""

import asyncio
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

from aiohttp import hdrs, web
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from core.errors import BadRequest, TooLarge, UnsupportedMediaType
from core.strict_json import NotStrict, json_object

MAX_BODY_BYTES = 16 * 1024
_DEADLINE_S = 5.0
_MAX_FIELDS = 64


class Body(BaseModel):
    """A JSON object that a client sends: exact types, no unknown members."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _whole(value: object) -> object:
    return int(value) if type(value) is float and value.is_integer() else value


WholeNumber = Annotated[int, BeforeValidator(_whole)]
"""What JSON Schema calls an integer: `2.0` is one, too."""

B = TypeVar("B", bound=BaseModel)


class SlowBody(BadRequest):
    """The body did not arrive in time."""

    status = 408
    title = "The body did not arrive in time"


async def read_json(request: web.Request, model: type[B]) -> B:
    """Return the body as `model`; raise `UnsupportedMediaType`, `TooLarge` or `BadRequest`."""
    data = await _read(request, "application/json")
    try:
        return model.model_validate(json_object(data))
    except NotStrict as error:
        raise BadRequest("json", "The body is not a JSON object.") from error
    except ValidationError as error:
        raise BadRequest("fields", _fields(error)) from error


async def read_form(request: web.Request) -> dict[str, str]:
    """Return the fields of a form; raise as `read_json` does, and `BadRequest` for a repeated field (RFC 6749 §3.2)."""
    data = await _read(request, "application/x-www-form-urlencoded")
    try:
        pairs = parse_qsl(data.decode("ascii"), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError as error:
        raise BadRequest("form", "The body is not a form.") from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise BadRequest("form", "A field is given more than once.")
    return fields


async def _read(request: web.Request, content_type: str) -> bytes:
    if request.headers.get(hdrs.CONTENT_TYPE) is None or request.content_type != content_type:
        raise UnsupportedMediaType("content_type", f"Send {content_type}.")
    if request.charset not in {None, "utf-8", "UTF-8"} or hdrs.CONTENT_ENCODING in request.headers:
        raise UnsupportedMediaType("content_type", "Send plain UTF-8.")
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise TooLarge("body", f"At most {MAX_BODY_BYTES} bytes.")
    try:
        async with asyncio.timeout(_DEADLINE_S):
            return await request.read()
    except TimeoutError as error:
        raise SlowBody("body") from error
    except web.HTTPRequestEntityTooLarge as error:
        raise TooLarge("body", f"At most {MAX_BODY_BYTES} bytes.") from error


def _fields(error: ValidationError) -> str:
    """Name what is wrong without repeating what was sent: it may be a password."""
    problems: list[Any] = error.errors(include_input=False, include_url=False)
    return "; ".join(f"{'.'.join(map(str, problem['loc'])) or 'body'}: {problem['msg']}" for problem in problems)
