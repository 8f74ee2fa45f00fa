# ruff: noqa: INP001 - a script beside the page that it writes
"""docs/settings.md: every setting with its default, and every code of a problem, read from the code."""

import ast
import inspect
from collections.abc import Iterable

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from auth_server.settings import AuthSettings
from core import errors
from core.errors import Refusal
from core.frame import ServerError
from core.settings import LoginSettings, ServerSettings
from resource_server.settings import ResourceSettings
from session_server.settings import SessionSettings

_OPENING = """\
<!-- Written by `make docs` from the settings of the servers. Change those, not this. -->

# Settings

Each is an environment variable. A secret may also come as `NAME_FILE`, a file that others cannot read, or from
`/run/secrets`; giving it twice stops the start. A setting that is missing, does not parse or is too weak stops it with
one line that names it, and exit code 2. Lists are separated by commas. Redis URLs are `redis://`, `rediss://`,
`unix://` or `redis+sentinel://h:p,h:p/0?master=name`.
"""
_CODES = """\
## Codes

Errors are problems (RFC 9457) with a short `code`; `/oauth/*` answers as RFC 6749 §5.2 says instead.

| code | status | |
|---|---:|---|
"""
_SECTIONS: tuple[tuple[str, type[BaseModel], type[BaseModel]], ...] = (
    ("Every server", ServerSettings, BaseModel),
    ("Logins, on both sides", LoginSettings, ServerSettings),
    ("Auth server", AuthSettings, LoginSettings),
    ("Resource server", ResourceSettings, ServerSettings),
    ("Session server", SessionSettings, LoginSettings),
)


def settings_page() -> str:
    """Return the page."""
    return "\n".join([_OPENING, *map(_section, _SECTIONS), _CODES + "\n".join(sorted(_codes())) + "\n"])


def _section(section: tuple[str, type[BaseModel], type[BaseModel]]) -> str:
    title, model, parent = section
    told = _told(model)
    inherited = getattr(parent, "model_fields", {})
    own = {name: field for name, field in model.model_fields.items() if _is_own(name, field, inherited)}
    secrets = getattr(model, "secret_fields", ())
    rows = [
        f"| `{name.upper()}` | {_default(field)} | {'a secret. ' if name in secrets else ''}{told.get(name, '')} |"
        for name, field in own.items()
    ]
    return "\n".join([f"## {title}", "", "| setting | default | |", "|---|---|---|", *rows, ""])


def _is_own(name: str, field: FieldInfo, inherited: dict[str, FieldInfo]) -> bool:
    return name not in inherited or inherited[name].default != field.default


def _default(field: FieldInfo) -> str:
    default = field.default
    if default is PydanticUndefined:
        return "needed"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, tuple):
        return f"`{','.join(map(str, default))}`" if default else "none"
    return "none" if default in {None, ""} else f"`{default}`"


def _told(model: type[BaseModel]) -> dict[str, str]:
    """Return what stands below each field in the source."""
    body = ast.parse(inspect.getsource(model)).body[0]
    if not isinstance(body, ast.ClassDef):
        raise TypeError(f"{model} is no class")
    found = {}
    for field, after in zip(body.body, body.body[1:], strict=False):
        match field, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str() as text)):
                found[name] = " ".join(text.split()).replace("|", "\\|")
    return found


def _codes() -> Iterable[str]:
    described = [*vars(errors).values(), ServerError]
    refusals = [one for one in described if isinstance(one, type) and issubclass(one, Refusal) and one is not Refusal]
    return {f"| `{one.code}` | {one.status} | {one.title} |" for one in refusals}
