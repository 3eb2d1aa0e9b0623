"""Reading and writing `result.json`, whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

from pydantic import ValidationError

from benchbed.errors import ConfigError
from benchbed.results.record import SCHEMA_VERSION, Result


def write(result: Result, path: Path) -> None:
    """Write a record atomically: the file is the old one or the new one, never half of either.

    Raises
    ------
    ValidationError
        The record was changed after it was made and no longer fits its schema.
    """
    text = result.model_dump_json(indent=1)
    Result.model_validate_json(text)
    partial = path.with_suffix(".json.part")
    with open(partial, "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def read(path: Path) -> Result:
    """Read a record, from the file or from the run folder that holds it.

    Raises
    ------
    ConfigError
        No such file, not JSON, another schema version, or fields that do not fit.
    """
    path = Path(path)
    if path.is_dir():
        path = path / "result.json"
    if not path.exists():
        raise ConfigError("no result file", where=str(path), hint="give a run folder or a result.json")
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"not a JSON file ({error})", where=str(path)) from error
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if version is None:
        raise ConfigError("not a benchbed result: it has no schema_version", where=str(path))
    if version != SCHEMA_VERSION:
        hint = "upgrade benchbed" if isinstance(version, int) and version > SCHEMA_VERSION else "run the suite again"
        raise ConfigError(f"schema version {version}, this benchbed reads {SCHEMA_VERSION}", where=str(path), hint=hint)
    try:
        return Result.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{place}: {first['msg']} ({error.error_count()} problems)", where=str(path)) from error
