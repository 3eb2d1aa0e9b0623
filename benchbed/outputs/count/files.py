"""Counts of other programs: a table with a column of clips and one of counts.

A clip is named by its id, its path in the data set, or its file name with or without its ending, where that is unique.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.errors import DataError, did_you_mean
from benchbed.tables.columns import column_called
from benchbed.tables.table import read_table

if TYPE_CHECKING:
    import pandas as pd

#: Names of the column of clips, and of that of counts.
CLIPS = ("file_name", "filename", "clip_id", "file", "clip", "image", "id")
COUNTS = ("count", "counts", "predicted_count", "prediction", "estimate")


def answers_of(path: Path, clips: pd.DataFrame) -> np.ndarray:
    """Counts `[clip, 1]` of clips.

    Raises
    ------
    DataError
        No such columns, a count that is no finite number, a clip twice, or a clip of the data set without a count.
    """
    table = read_table(Path(path))
    names = table.frame[column_called(table, CLIPS, "clips")].tolist()
    column = column_called(table, COUNTS, "counts")
    numbers = table.numbers(column)
    if (odd := ~np.isfinite(numbers)).any():
        row = int(odd.argmax())
        given = table.frame[column].iloc[row] or "empty"
        raise DataError(f"the count is {given}", where=table.where(row), hint="a finite number for each clip")
    rows: dict[str, int] = {}
    for row, name in enumerate(names):
        if name in rows:
            raise DataError(
                f"two counts for '{name}'", where=f"{table.where(rows[name])} and {table.where(row)}", hint="keep one"
            )
        rows[name] = row
    shared = _shared(clips)
    answers = np.empty((len(clips), 1))
    for place, clip in enumerate(clips["clip_id"].astype(str)):
        known = [name for name in _names(clip) if name in rows]
        if not known:
            near = did_you_mean(_names(clip)[-1], names)
            raise DataError(
                f"no count for the clip '{_names(clip)[1] if len(_names(clip)) > 1 else clip}'",
                where=str(path),
                hint=near or f"a row for each clip; the table names them like '{names[0]}'",
            )
        if ambiguous := [name for name in known if name in shared]:
            raise DataError(
                f"several clips are called '{ambiguous[0]}'",
                where=table.where(rows[ambiguous[0]]),
                hint="name clips by their path in the data set",
            )
        if len(known) > 1:
            where = f"{table.where(rows[known[0]])} and {table.where(rows[known[1]])}"
            raise DataError(f"two counts for the clip '{known[0]}', under two of its names", where=where)
        answers[place] = numbers[rows[known[0]]]
    return answers


def unused(path: Path, clips: pd.DataFrame) -> list[str]:
    """What of a table is about none of the clips, and counts below zero, in words."""
    table = read_table(Path(path))
    column = table.frame[column_called(table, CLIPS, "clips")]
    known = {name for clip in clips["clip_id"].astype(str) for name in _names(clip)}
    lost = [row for row, name in enumerate(column) if name not in known]
    said = []
    if lost:
        said.append(
            f"{len(lost)} of {len(column)} counts of {Path(path).name} are about no clip of the data set and were not "
            f"used, the first is '{column.iloc[lost[0]]}' ({table.where(lost[0])})"
        )
    below = np.flatnonzero(table.numbers(column_called(table, COUNTS, "counts")) < 0)
    if len(below):
        said.append(
            f"{len(below)} of {len(column)} counts are below zero and are scored as they are, the first at "
            f"{table.where(int(below[0]))}"
        )
    return said


def _names(clip: str) -> list[str]:
    """What a table may call a clip: id, path in the data set, file name, file name without its ending."""
    path = clip.partition("/")[2] or clip
    name = path.rpartition("/")[2]
    return list(dict.fromkeys([clip, path, name, name.rpartition(".")[0] or name]))


def _shared(clips: pd.DataFrame) -> set[str]:
    """Names that several clips have."""
    seen: set[str] = set()
    double: set[str] = set()
    for clip in clips["clip_id"].astype(str):
        names = set(_names(clip))
        double |= names & seen
        seen |= names
    return double
