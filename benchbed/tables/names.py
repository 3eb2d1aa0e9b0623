"""Which recording a name in somebody's table means: ids, paths from any root, bare names, with or without suffix."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.errors import DataError
from benchbed.tables.cells import DELIMITERS, read_text, split_cells
from benchbed.tables.events import ROLES, tidy

if TYPE_CHECKING:
    import pandas as pd

#: Columns of a table of clips that a user may know clips by, besides their paths.
ID_COLUMNS = ("source_clip_id", "id", "fname", "filename", "file", "name")


def read_names(path: Path) -> tuple[list[str], list[str]]:
    """Recordings of a list, each once and in its order, and the place of each: a column of files, or the first one.

    Parameters
    ----------
    path : Path
        Text with or without header; a first row is a header only if it names a column of files.

    Raises
    ------
    DataError
        The file is missing or empty, or a row has no name.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "fold1.txt"
    >>> _ = file.write_text("audio/b.wav\\tstreet\\naudio/a.wav\\tstreet\\n")
    >>> read_names(file)[0]
    ['audio/b.wav', 'audio/a.wav']
    """
    text = read_text(path)
    present = [mark for mark in DELIMITERS if mark in text and mark != " "]
    cells = split_cells(text, present[0] if present else "\t", path)
    if cells.broken is not None:
        raise cells.broken
    rows, lines, column = cells.rows, cells.lines, 0
    header = [name.lower() for name in rows[0]] if rows else []
    named = next((name for name in ROLES["file"] if name in header), None)
    if named is not None:
        rows, lines, column = rows[1:], lines[1:], header.index(named)
    found: dict[str, str] = {}
    for row, line in zip(rows, lines):
        if len(row) <= column or not row[column]:
            raise DataError("the row names no recording", where=f"{path}:{line}")
        found.setdefault(tidy(row[column]), f"{path}:{line}")
    if not found:
        raise DataError("the list of recordings is empty", where=str(path))
    return list(found), list(found.values())


def clips_named(names: Sequence[str], clips: pd.DataFrame, where: Callable[[int], str]) -> np.ndarray:
    """Row of the clip that each name means in a table of clips, or -1 [shape=(name,), int64].

    Parameters
    ----------
    names : sequence of str
        Ids, paths in the data set, paths from elsewhere, bare names, or what a column of ids in the user's own table
        calls a clip.
    clips : pandas.DataFrame
        With `clip_id`, and whatever columns the data set has.
    where : callable
        Position of a name → its place, for messages.

    Raises
    ------
    DataError
        As in `matched`.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"clip_id": ["mine/a/x.wav", "mine/b/x.wav"], "id": ["17", "18"]})
    >>> clips_named(["b/x", "17"], table, str).tolist()
    [1, 0]
    """
    whole = clips["clip_id"].astype(str).tolist()
    ids = {clip: row for row, clip in enumerate(whole)}
    for column in ID_COLUMNS:
        if column in clips and clips[column].is_unique:
            for row, name in enumerate(clips[column].astype(str)):
                ids.setdefault(name, row)
    return matched(names, [inner(clip) for clip in whole], where, ids)


def inner(clip: str) -> str:
    """The path of a clip in its data set, with the mark of its onset.

    Examples
    --------
    >>> inner("mine/audio/a.wav@2.5")
    'audio/a.wav@2.5'
    """
    return clip.partition("/")[2] or clip


def matched(
    names: Sequence[str],
    clips: Sequence[str],
    where: Callable[[int], str],
    ids: Mapping[str, int] | None = None,
) -> np.ndarray:
    """Position of the clip that each name means, or -1 [shape=(name,), int64].

    Parameters
    ----------
    names : sequence of str
        As they stand in a table; one may occur many times.
    clips : sequence of str
        Ids or paths of all clips there are, e.g. `audio/street/a001.wav` or `mine/audio/a.wav@2.5`.
    where : callable
        Position of a name → its place, for messages.
    ids : mapping of str to int, optional
        Further names of clips that belong to no other, such as a column of ids.

    Raises
    ------
    DataError
        A name that could mean several clips, or one clip that several names could mean.

    Examples
    --------
    >>> clips = ["mine/audio/x/a.wav", "mine/audio/y/a.wav", "mine/audio/b.wav@0.5"]
    >>> matched(["x/a", "/data/mine/audio/y/a.wav", "b.wav@0.5", "c.wav"], clips, str).tolist()
    [0, 1, 2, -1]
    >>> matched(["a.wav"], clips, "t.csv:{}".format)
    Traceback (most recent call last):
    ...
    benchbed.errors.DataError: 'a.wav' could mean mine/audio/x/a.wav or mine/audio/y/a.wav
      at: t.csv:0
      try: give paths relative to the dataset's folder
    """
    exact = dict(ids or {})
    for place, clip in enumerate(clips):
        exact.setdefault(clip, place)
    by_last: dict[str, list[tuple[int, list[str]]]] = {}
    for place, clip in enumerate(clips):
        for form in dict.fromkeys((clip, _whole(clip))):
            parts = _parts(form)
            by_last.setdefault(parts[-1], []).append((place, parts))
    places: dict[str, int] = {}
    meant: dict[int, str] = {}
    answer = np.empty(len(names), np.int64)
    for row, name in enumerate(names):
        if name not in places:
            place = exact.get(name, exact.get(tidy(name), -2))
            if place == -2:
                place = _nearest(name, by_last, clips, where(row))
            other = meant.setdefault(place, name) if place >= 0 else name
            if other != name:
                raise DataError(
                    f"{other} and {name} could both mean {clips[place]}",
                    where=where(row),
                    hint="give paths relative to the dataset's folder",
                )
            places[name] = place
        answer[row] = places[name]
    return answer


def _nearest(name: str, by_last: Mapping[str, list[tuple[int, list[str]]]], clips: Sequence[str], where: str) -> int:
    """The clip whose path agrees with the name in most parts from its end."""
    parts = _parts(tidy(name))
    agreed: dict[int, int] = {}
    for place, other in by_last.get(parts[-1], ()):
        same = 0
        while same < min(len(parts), len(other)) and parts[-1 - same] == other[-1 - same]:
            same += 1
        agreed[place] = max(same, agreed.get(place, 0))
    most = [place for place, same in agreed.items() if same == max(agreed.values())]
    if len(most) > 1:
        # With its suffix a name may be that of one file, e.g. of `a.wav` and `a.flac`, or of a file and its cuts.
        exactly = [place for place in most if clips[place].endswith(tidy(name))]
        most = exactly if len(exactly) == 1 else most
    if len(most) > 1:
        several = len({_whole(clips[place]) for place in most}) == 1
        raise DataError(
            f"'{name}' could mean {clips[most[0]]} or {clips[most[1]]}",
            where=where,
            hint="these are cuts of one file: give their ids, with the onset" * several
            or "give paths relative to the dataset's folder",
        )
    return most[0] if most else -1


def _parts(path: str) -> list[str]:
    """Parts of a path, the last one without suffix; a cut keeps the mark of its onset."""
    head, mark, onset = path.rpartition("@") if re.search(r"@\d+(\.\d+)?$", path) else (path, "", "")
    parts = head.split("/")
    parts[-1] = re.sub(r"\.[A-Za-z]\w{1,4}$", "", parts[-1]) + mark + onset
    return parts


def _whole(clip: str) -> str:
    return re.sub(r"@\d+(\.\d+)?$", "", clip)
