"""`summary.json`: what boards ask of a run, in a small part of its record.

A record of 131 conditions has five megabytes, most of them figures of every class and slice under every corruption, and
tables that the page of the run draws. A board asks for the figures over all clips of each condition, for everything on
clean audio, and for what attacks found. That is the summary: a record like any other, stored as columns
(`benchbed.results.columns`) and read fifty times as fast. It names the digest of the record it was taken from, so that
one of an older record is never read; whoever needs it makes it again where it is missing, stale or damaged, and it may
be deleted at any time.
"""

from __future__ import annotations

import contextlib
import functools
import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, PrivateAttr, TypeAdapter

from benchbed.errors import DamagedError
from benchbed.results.columns import FigureColumns, Shared, columns_of, figures_of, words_of
from benchbed.results.record import Cell, Result, Value
from benchbed.results.store import read
from benchbed.seal import DIGITS, seal, unsealed
from benchbed.whole import write_whole

#: Name of the file beside the record.
NAME = "summary.json"
#: Version of what is kept; another one is made again.
FORMAT = 4

_HEAD = re.compile(rb'\{"digest":"([0-9a-f]{32})",')

#: Fields of a record that are figures or hold them.
_FIGURES = ("cells", "scores")
_PARTS = tuple(name for name in Result.model_fields if name not in ("digest", *_FIGURES))


class Summary(Result):
    """A record that lacks what boards do not ask for: classes, slices and further metrics under corruptions, tables.

    Figures that are there are those of the record, to the last digit.
    """

    _words: tuple[str, ...] = PrivateAttr(())
    _placeless: frozenset[str] = PrivateAttr(frozenset())

    @property
    def words(self) -> tuple[str, ...]:
        """Every text of its figures and cells that could name a place, some of them within a text of JSON."""
        return self._words

    @property
    def placeless(self) -> frozenset[str]:
        """Fields without figures in whose texts there is no slash, so that they name no place."""
        return self._placeless


class _Kept(BaseModel):
    """The file: the parts of the record that are no figures as JSON, and the figures as columns."""

    model_config = ConfigDict(extra="forbid")
    format: int
    record: str
    parts: dict[str, str]
    figures: FigureColumns


def summary_of(result: Result) -> Summary:
    """The part of a record that boards ask for.

    Examples
    --------
    >>> summary_of(read("runs/suite/model")).cells[1].groups  # doctest: +SKIP
    {}
    """
    return _opened(_kept(result), Shared())


def _kept(result: Result) -> _Kept:
    checks = [one for one in result.checks if one.status in ("fail", "warn") or one.name.startswith("verify:")]
    held = {**{name: getattr(result, name) for name in _PARTS}, "checks": checks}
    parts = {name: _part(name).dump_json(one, exclude_defaults=True).decode() for name, one in held.items()}
    figures = columns_of(result.scores, [_cell(cell, result.primary) for cell in result.cells])
    return _Kept.model_construct(format=FORMAT, record=result.digest, parts=parts, figures=figures)


@functools.cache
def _part(name: str) -> TypeAdapter[Any]:
    kind: Any = Result.model_fields[name].annotation
    return TypeAdapter(kind)


def _opened(kept: _Kept, shared: Shared) -> Summary:
    """The summary that a file holds; what other runs have as well is one with theirs."""
    scores, cells = figures_of(kept.figures, shared)
    parts = {name: _made(name, text, shared) for name, text in kept.parts.items()}
    made = Summary.model_construct(**parts, cells=cells, scores=scores, digest=kept.record)
    made._words = words_of(kept.figures, shared)
    made._placeless = frozenset(name for name, text in kept.parts.items() if "/" not in text and "\\" not in text)
    return made


def _made(name: str, text: str, shared: Shared) -> Any:
    """A part of the record. Every run of a board has the same suite and data."""
    read = _part(name).validate_json
    return shared.made(name, text, read) if name in ("suite", "dataset") else read(text)


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
    kept = _kept(result)
    write_whole(path.with_name(NAME), seal(kept.model_dump_json()).encode())
    return _opened(kept, Shared())


def read_summary(path: Path, shared: Shared | None = None) -> Result:
    """The summary of a record; the record itself where it has no digest to tell one by.

    A summary that is missing, of another record, or not as it was written is made from the record, and kept where its
    folder can be written.

    Parameters
    ----------
    path : Path
        The record's file, or its folder.
    shared : Shared, optional
        What summaries that are read together have in common.

    Raises
    ------
    ConfigError, DamagedError
        As `benchbed.results.store.read`.
    """
    path = path / "result.json" if path.is_dir() else path
    if path.name != "result.json":
        return read(path)  # of another name, several records may share a folder
    digest = _digest(path)
    if digest is not None and (held := _held(path.with_name(NAME), digest, shared or Shared())) is not None:
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


def _held(path: Path, digest: str, shared: Shared) -> Summary | None:
    """The summary that is there, if it is of this record and as it was written."""
    try:
        body, _ = unsealed(path.read_bytes(), path)
        kept = _Kept.model_validate_json(body)
        if (kept.format, kept.record) != (FORMAT, digest):
            return None
        return _opened(kept, shared)
    except (OSError, DamagedError, ValueError, LookupError, TypeError):
        return None


def _cell(cell: Cell, primary: str) -> Cell:
    if cell.condition.kind in ("clean", "attack"):
        return cell.model_copy(update={"matrices": {}})
    metrics: dict[str, Value] = {primary: cell.metrics[primary]} if primary in cell.metrics else {}
    return cell.model_copy(update={"metrics": metrics, "groups": {}, "matrices": {}})
