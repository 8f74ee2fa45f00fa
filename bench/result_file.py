"""Result files: written whole or not at all, and refused when they are not what they say."""

import json
from pathlib import Path

from pydantic import ValidationError

from bench.result import SCHEMA, Result


class ResultRefused(Exception):
    """A file is no result of ours, or a broken one; the message says where."""


def write_result(result: Result, path: Path) -> None:
    """Write a result file, replacing one that is there only once the new one is complete."""
    content = result.model_dump(mode="json", by_alias=True)
    arms = ",\n".join(f"  {json.dumps(name)}: {json.dumps(arm)}" for name, arm in content.pop("arms").items())
    lines = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in content.items()]
    draft = path.with_suffix(".part")
    draft.write_text("{\n" + ",\n".join([*lines, f' "arms": {{\n{arms}\n }}']) + "\n}\n", encoding="utf-8")
    draft.replace(path)


def read_result(path: Path) -> Result:
    """Read and check a result file; raise ResultRefused with one line that says what is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text)
    except (OSError, ValueError) as error:
        raise ResultRefused(f"{path} cannot be read: {error}") from error
    version = found.get("schema") if isinstance(found, dict) else None
    if version != SCHEMA:
        raise ResultRefused(f"{path} has schema {version!r}; this benchmark reads schema {SCHEMA}")
    try:
        return Result.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise ResultRefused(f"{path} is refused: {where}: {first['msg']}{more}") from error
