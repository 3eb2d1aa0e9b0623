"""`summary.json`: what boards ask of a run, in a small part of its record.

A record of 131 conditions has five megabytes, most of them figures of every class and slice under every corruption, and
tables that the page of the run draws. A board asks for the figures over all clips of each condition, for everything on
clean audio, and for what attacks found. That is the summary: a record like any other that is read twenty times as fast.
It names the digest of the record it was taken from, so that one of an older record is never read; whoever needs it
makes it again where it is missing, stale or damaged, and it may be deleted at any time.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from benchbed.errors import DamagedError
from benchbed.results.record import Cell, Result, Value
from benchbed.results.store import read
from benchbed.seal import DIGITS, seal, unsealed
from benchbed.whole import write_whole

#: Name of the file beside the record.
NAME = "summary.json"
#: Version of what is kept; another one is made again.
FORMAT = 1

_HEAD = re.compile(rb'\{"digest":"([0-9a-f]{32})",')


class Summary(Result):
    """A record that lacks what boards do not ask for: classes, slices and further metrics under corruptions, tables.

    Figures that are there are those of the record, to the last digit.
    """


class _Kept(BaseModel):
    """The file."""

    model_config = ConfigDict(extra="forbid")
    format: int
    record: str
    result: Summary


def summary_of(result: Result) -> Summary:
    """The part of a record that boards ask for.

    Examples
    --------
    >>> summary_of(read("runs/suite/model")).cells[1].groups  # doctest: +SKIP
    {}
    """
    held = {name: getattr(result, name) for name in type(result).model_fields}
    checks = [one for one in result.checks if one.status in ("fail", "warn") or one.name.startswith("verify:")]
    cells = [_cell(cell, result.primary) for cell in result.cells]
    return Summary.model_construct(**(held | {"cells": cells, "checks": checks}))


def write_summary(result: Result, path: Path) -> Summary:
    """Write the summary of a record beside it.

    Parameters
    ----------
    result : Result
        The record as it was written, with its digest.
    path : Path
        The record's file.

    Raises
    ------
    OSError
        It cannot be written.
    """
    made = summary_of(result)
    kept = _Kept.model_construct(format=FORMAT, record=result.digest, result=made)
    write_whole(path.with_name(NAME), seal(kept.model_dump_json(exclude_defaults=True)).encode())
    return made


def read_summary(path: Path) -> Result:
    """The summary of a record; the record itself where it has no digest to tell one by.

    A summary that is missing, of another record, or not as it was written is made from the record, and kept where its
    folder can be written.

    Parameters
    ----------
    path : Path
        The record's file, or its folder.

    Raises
    ------
    ConfigError, DamagedError
        As `benchbed.results.store.read`.
    """
    path = path / "result.json" if path.is_dir() else path
    if path.name != "result.json":
        return read(path)  # of another name, several records may share a folder
    digest = _digest(path)
    if digest is not None and (held := _held(path.with_name(NAME), digest)) is not None:
        return held
    result = read(path)
    if not result.digest:
        return result
    with contextlib.suppress(OSError):
        return write_summary(result, path)
    return summary_of(result)


def _digest(path: Path) -> str | None:
    """What a record says its digest is."""
    try:
        with path.open("rb") as file:
            head = _HEAD.match(file.read(DIGITS + 16))
    except OSError:
        return None
    return head[1].decode() if head else None


def _held(path: Path, digest: str) -> Summary | None:
    """The summary that is there, if it is of this record and as it was written."""
    try:
        body, _ = unsealed(path.read_bytes(), path)
        kept = _Kept.model_validate_json(body)
    except (OSError, DamagedError, ValidationError):
        return None
    if (kept.format, kept.record) != (FORMAT, digest):
        return None
    kept.result.digest = digest
    _share(kept.result)
    return kept.result


def _share(result: Result) -> None:
    """One set of the names that were given for all figures that were given the same: half of the memory of each."""
    sets: dict[frozenset[str], set[str]] = {}
    for cell in result.cells:
        for values in (cell.metrics, *cell.groups.values()):
            for value in values.values():
                given = value.model_fields_set
                object.__setattr__(value, "__pydantic_fields_set__", sets.setdefault(frozenset(given), given))
    for value in result.scores.values():
        given = value.model_fields_set
        object.__setattr__(value, "__pydantic_fields_set__", sets.setdefault(frozenset(given), given))


def _cell(cell: Cell, primary: str) -> Cell:
    if cell.condition.kind in ("clean", "attack"):
        return cell.model_copy(update={"matrices": {}})
    metrics: dict[str, Value] = {primary: cell.metrics[primary]} if primary in cell.metrics else {}
    return cell.model_copy(update={"metrics": metrics, "groups": {}, "matrices": {}})
