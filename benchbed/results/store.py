"""Reading and writing `result.json`, whole or not at all, and as it was written or not at all."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from benchbed.errors import ConfigError, DamagedError
from benchbed.nesting import json_of
from benchbed.results.record import SCHEMA_VERSION, Result
from benchbed.results.upgrade import may_lack_digest, readable, upgraded
from benchbed.seal import POINTER, seal_bytes, unseal
from benchbed.whole import write_whole

#: How a record is made again.
AGAIN = "make it again from the stored predictions: the command of the run, with --reuse only"


def write(result: Result, path: Path, *, short: bool = False) -> Result:
    """Write a record atomically: the file is the old one or the new one, never half of either.

    Parameters
    ----------
    short : bool
        Without what is at its default, on one line: a third of the size, read like any other.

    Returns
    -------
    Result
        The record as it is read from the file, with the file's digest.

    Raises
    ------
    ValidationError
        The record was changed after it was made and no longer fits its schema.
    """
    return write_dumped(dumped(result, short=short), path)


def dumped(result: Result, *, short: bool = False) -> bytes:
    """The JSON of a record without its digest, for `write_dumped`; `short` as of `write`.

    Whoever lets go of the record between the two never holds it twice.
    """
    if short:
        raw = json.loads(result.model_dump_json(exclude_defaults=True, exclude={"digest"}))
        # The version says how all else is read, so that it stands there even at its default.
        raw = {"schema_version": result.schema_version, **raw}
        return json.dumps(raw, ensure_ascii=False, separators=(",", ":")).encode()
    # Python's own writer of indented JSON takes seconds for a hundred cells, and a text that has any letter beyond
    # Latin-1 twice the memory of its bytes.
    return TypeAdapter(Result).dump_json(result, indent=1, exclude={"digest"})


def write_dumped(data: bytes, path: Path) -> Result:
    """Write the JSON of a record, and read it back; see `write`.

    Raises
    ------
    ValidationError
        It does not fit the schema of a record.
    """
    checked = Result.model_validate_json(data)
    sealed, made = seal_bytes(data)
    write_whole(path, sealed)
    return checked.model_copy(update={"digest": made})


def _finite(data: bytes, path: Path) -> dict[str, object]:
    try:
        members: dict[str, object] = json_of(data, finite=True)
    except ValueError as error:
        raise DamagedError(f"the file is not as benchbed writes it: {error}", where=str(path), hint=AGAIN) from error
    return members


def read(path: Path) -> Result:
    """Read a record, from the file or from the run folder that holds it; one of an earlier version is upgraded.

    Raises
    ------
    ConfigError
        No such file, not JSON, another schema version, or fields that do not fit.
    DamagedError
        It is not as it was written: damaged or edited.
    """
    path = Path(path)
    if path.is_dir():
        path = path / "result.json"
    if not path.exists():
        raise ConfigError("no result file", where=str(path), hint="give a run folder or a result.json")
    data = path.read_bytes()
    try:
        # As nearly every record is: whole, and of today's schema. Of any other it is told in turn what is wrong.
        members, digest = unseal(data, path, again=AGAIN)
    except DamagedError:
        members, digest = {}, ""
    if (written := members.get("schema_version")) == SCHEMA_VERSION and readable(written):
        return _fitting({"digest": digest, **members}, path)
    try:
        raw = json_of(data)
    except ValueError as error:
        if data.startswith((b'{"digest":', POINTER)):
            unseal(data, path, again=AGAIN)
        raise ConfigError(f"not a JSON file ({error})", where=str(path), hint=AGAIN) from error
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if version is None:
        raise ConfigError("not a benchbed result: it has no schema_version", where=str(path), hint=AGAIN)
    if not readable(version):
        hint = "upgrade benchbed" if isinstance(version, int) and version > SCHEMA_VERSION else "run the suite again"
        raise ConfigError(
            f"schema version {version}, this benchbed reads 1 to {SCHEMA_VERSION}", where=str(path), hint=hint
        )
    if may_lack_digest(version) and "digest" not in raw:
        raw, digest = _finite(data, path), ""
    else:
        raw, digest = unseal(data, path, again=AGAIN)
    return _fitting(upgraded({"digest": digest, **raw}, version), path)


def _fitting(members: dict[str, object], path: Path) -> Result:
    try:
        return Result.model_validate(members)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{place}: {first['msg']} ({error.error_count()} problems)", where=str(path)) from error
