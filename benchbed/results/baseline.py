"""Named baselines: a run cut down to what a comparison needs, small enough to be committed.

A baseline is a folder `baselines/NAME/` with the record, without its tables and list of failures, and the sums and
draws behind its figures. It holds no audio, no clip ids and no scores.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchbed.errors import BenchbedError, ConfigError, did_you_mean
from benchbed.results.artefacts import naming, statistics_of
from benchbed.results.record import Result
from benchbed.results.statistics import NAME, write_statistics
from benchbed.results.store import read, write

#: Where baselines are kept, below the working folder.
FOLDER = Path("baselines")

#: Cells whose classes and slices are kept draw by draw.
PARTS = ("clean",)

#: Above this size in bytes, committing a baseline deserves a second thought.
LARGE = 5_000_000


@dataclass(frozen=True)
class Baseline:
    """A baseline on disk.

    Attributes
    ----------
    name : str
        Its name.
    path : Path
        Its folder.
    bytes : int
        Its size.
    result : Result
        The trimmed record.
    """

    name: str
    path: Path
    bytes: int
    result: Result


def set_baseline(
    name: str,
    run: Path,
    folder: Path = FOLDER,
    conditions: Sequence[str] = (),
    parts: Sequence[str] = PARTS,
    sums: Sequence[str] = ("*",),
) -> Baseline:
    """Store a run as a named baseline, in place of an older one of that name.

    Parameters
    ----------
    name : str
        Letters, digits, `.`, `_` and `-`.
    run : Path
        Run folder, or its `result.json`.
    folder : Path
        Where baselines are kept.
    conditions : sequence of str
        Patterns of the cells to keep; all by default.
    parts : sequence of str
        Patterns of the cells to keep draws of single classes and slices of, for metrics that are made from no sums;
        clean audio by default. Two hundred classes take as much as two hundred conditions.
    sums : sequence of str
        Patterns of the cells to keep sums of; of the others draws of all clips alone, which is little and the same for
        any number of clips. Models can then not be swapped in them, nor recordings left out that lost clips.

    Raises
    ------
    ConfigError
        A name that is no folder name, or no run there.
    DataError
        No sums beside the record, or files that are not as they were written.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        raise ConfigError(f"'{name}' cannot name a baseline", hint="letters, digits, '.', '_' and '-'")
    result = read(run)
    statistics = statistics_of(result, run if run.is_dir() else run.parent)
    if conditions:
        statistics = statistics.only(conditions)
        if not statistics.cells:
            raise ConfigError(f"no cell matches {', '.join(conditions)}", where=str(run))
    statistics = statistics.without_parts(parts).short(sums)
    kept = result.model_copy(
        update={
            "cells": [c.model_copy(update={"matrices": {}}) for c in result.cells if c.key in statistics.cells],
            "failures": [],
        }
    )
    path = folder / name
    path.mkdir(parents=True, exist_ok=True)
    # The old record goes first: it must not stand beside sums that are not its own.
    (path / "result.json").unlink(missing_ok=True)
    write_statistics(statistics, path)
    kept = naming(kept, path, (NAME,), record=result.digest)
    write(kept, path / "result.json", short=True)
    return _described(path)


def list_baselines(folder: Path = FOLDER) -> list[Baseline]:
    """Baselines in a folder that can be read, by name."""
    return scan_baselines(folder)[0]


def scan_baselines(folder: Path = FOLDER) -> tuple[list[Baseline], list[BenchbedError]]:
    """Baselines in a folder, by name, and why others cannot be read: one that is broken does not hide the rest."""
    found, broken = [], []
    for path in sorted(folder.glob("*/result.json")):
        try:
            found.append(_described(path.parent))
        except BenchbedError as error:
            broken.append(error)
    return found, broken


def find_runs(place: str, folder: Path = FOLDER) -> list[Path]:
    """The paths of a run, or of all runs and named baselines that a pattern (`*`, `?`) matches, in order.

    Raises
    ------
    ConfigError
        There is none.
    """
    if not any(c in place for c in "*?[") or Path(place).expanduser().exists():
        return [find_run(place, folder)]
    path = Path(place).expanduser()
    below = Path(path.anchor) if path.is_absolute() else Path()
    pattern = str(path.relative_to(path.anchor)) if path.is_absolute() else str(path)
    found = [p for p in sorted(below.glob(pattern)) if p.name == "result.json" or (p / "result.json").is_file()]
    if not found and not path.is_absolute():
        found = [p for p in sorted(folder.glob(place)) if (p / "result.json").is_file()]
    if not found:
        raise ConfigError(f"no run and no baseline like '{place}'", hint="a pattern of run folders or of baselines")
    return found


def find_run(place: str, folder: Path = FOLDER) -> Path:
    """The path of a run folder, a result file or a named baseline.

    Raises
    ------
    ConfigError
        There is none; the message suggests the nearest baseline.
    """
    path = Path(place).expanduser()
    if path.is_file() or (path / "result.json").is_file():
        return path
    if (folder / place / "result.json").is_file():
        return folder / place
    known = [path.parent.name for path in sorted(folder.glob("*/result.json"))]
    if path.is_dir():
        held = sorted(path.rglob("result.json"))[:3]
        hint = f"it holds runs, give one of them: {', '.join(str(p.parent) for p in held)}" if held else None
        raise ConfigError("this folder is not a run: it has no result.json", where=str(path), hint=hint)
    made = "a run folder, a result.json, or a name made by `benchbed baseline set`"
    hint = did_you_mean(place, known) or (f"baselines: {', '.join(known)}" if known else made)
    raise ConfigError(f"no run and no baseline '{place}'", hint=hint)


def _described(path: Path) -> Baseline:
    result = read(path)
    statistics_of(result, path)
    size = sum(file.stat().st_size for file in path.iterdir() if file.is_file())
    return Baseline(path.name, path, size, result)
