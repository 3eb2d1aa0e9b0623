"""Earlier results of a run folder: kept whole where anything that they rest on is about to change."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from benchbed.errors import BenchbedError
from benchbed.predictions.index import indexed

#: Folder of earlier results in a run folder.
NAME = "history"
#: The record of an earlier result, and the ending of its predictions: whoever looks below a folder of runs for records
#: and predictions finds the present ones alone.
RECORD, ENDING = "record.json", ".kept"
#: What is no part of a result.
_APART = (NAME, "predictions", ".lock", "log.jsonl")


def keep(folder: Path, units: Collection[str], tuning: str) -> Path | None:
    """Put the present result of a run folder into `history/`, before another takes its place.

    Where the next result is made of the same units of predictions, the record alone is kept; else the earlier result
    is kept in a folder of its own, with its predictions, sums and page; its `record.json` is what verbs are given.

    Parameters
    ----------
    folder : Path
        The run folder.
    units : collection of str
        Ids of the units that the next result is made of.
    tuning : str
        Name of the folder with the predictions that thresholds are chosen by.

    Returns
    -------
    Path or None
        Where it is kept; None if there was none.
    """
    old = folder / "result.json"
    if not old.is_file():
        return None
    stamp = datetime.fromtimestamp(old.stat().st_mtime, UTC).strftime("%Y%m%dT%H%M%S%f")
    shelf = folder / NAME
    shelf.mkdir(exist_ok=True)
    before = _units(folder)
    if {path.stem for path in before} == set(units):
        # The shelf may lie on another file system.
        return Path(shutil.move(old, shelf / f"{stamp}.json"))
    partial, kept = shelf / f".{stamp}.part", shelf / stamp
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    for child in folder.iterdir():
        if child.name in _APART or child.name.endswith(".part"):
            continue
        if child.name == tuning:
            _link(sorted(child.glob("*.parquet")), partial / tuning, ENDING)
        elif child.is_dir():
            shutil.copytree(child, partial / child.name)
        else:
            shutil.copy2(child, partial / (RECORD if child == old else child.name))
    _link(before, partial / "predictions", ENDING)
    if kept.exists():
        shutil.rmtree(kept)
    partial.replace(kept)
    return kept


def recall(folder: Path, place: str, wanted: Collection[str]) -> list[Path]:
    """Units of predictions that an earlier result is made of, brought back beside the present ones.

    Parameters
    ----------
    folder : Path
        The run folder.
    place : str
        Which folder of units: `predictions`, or that of the tuning.
    wanted : collection of str
        Their ids.
    """
    found = []
    for path in sorted((folder / NAME).glob(f"*/{place}/*{ENDING}")):
        if path.stem in wanted and not (folder / place / f"{path.stem}.parquet").exists():
            found += _link([path], folder / place, ".parquet")
    return found


def _units(folder: Path) -> list[Path]:
    """Files of predictions that the present record is made of."""
    with contextlib.suppress(BenchbedError):
        if listed := indexed(folder):
            return listed
    # Without its index, or with a damaged one, everything that was there when the record was written.
    written = (folder / "result.json").stat().st_mtime
    return [path for path in sorted((folder / "predictions").glob("*.parquet")) if path.stat().st_mtime <= written]


def _link(paths: list[Path], into: Path, ending: str) -> list[Path]:
    """The same files in another folder; unit files are only ever replaced whole, so that both may be one."""
    made = []
    for path in paths:
        into.mkdir(parents=True, exist_ok=True)
        copy = into / f"{path.stem}{ending}"
        try:
            os.link(path, copy)
        except OSError:
            shutil.copy2(path, copy)
        made.append(copy)
    return made
