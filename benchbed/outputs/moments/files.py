"""Moments from jsonl files, one query a line, as DCASE 2026 Task 6 and QVHighlights submit them.

`{"qid": …, "query": …, "vid": …, "pred_relevant_windows": [[start, end, score], …]}`; windows keep their order.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchbed.errors import DataError
from benchbed.outputs.moments.asked import IDS, SECONDS, behind, outside, windows_of
from benchbed.tables.cells import read_text

if TYPE_CHECKING:
    import pandas as pd

#: Keys of a line.
ID, FOUND = "qid", "pred_relevant_windows"


def answers_of(path: Path, clips: pd.DataFrame) -> np.ndarray:
    """Moments of recordings, an object array with an array `[moment, 3]` for each query of each.

    Raises
    ------
    DataError
        A query without a line, or a line that is none of these.
    """
    told = read(path)
    answers = np.empty(len(clips), dtype=object)
    for row, (clip, ids) in enumerate(zip(clips["clip_id"].astype(str), clips[IDS])):
        found = []
        for name in ids:
            if name not in told:
                # The nearest id would be that of a neighbour, which has a line of its own.
                hint = (
                    f"a line for each query, also without a moment; the file names them like '{next(iter(told), '')}'"
                )
                raise DataError(f"no moments for the query '{name}' ({clip})", where=str(path), hint=hint)
            found.append(told[name])
        answers[row] = tuple(found)
    return answers


def unused(path: Path, clips: pd.DataFrame) -> list[str]:
    """Queries of a file that nobody asked, in words.

    Raises
    ------
    DataError
        A moment begins when its recording is over, where the data set states its length.
    """
    told = read(path)
    late = []
    for ids, seconds in zip(clips[IDS], clips[SECONDS]) if SECONDS in clips else ():
        for name in (name for name in ids if name in told and seconds == seconds):
            wrong = behind(told[name], float(seconds))
            if wrong is not None:
                raise DataError(f"{wrong} (query '{name}')", where=str(path), hint="times are in seconds")
            late += [name] * (outside(told[name], float(seconds)) is not None)
    said = [f"moments of {len(late)} queries end beyond their recording, e.g. of '{late[0]}'"] if late else []
    asked = {name for ids in clips[IDS] for name in ids}
    beside = [name for name in told if name not in asked]
    if not beside:
        return said
    some = ", ".join(beside[:3]) + (", …" if len(beside) > 3 else "")
    return [*said, f"{len(beside)} of {len(told)} queries of {Path(path).name} are none of the data set: {some}"]


def read(path: Path) -> Mapping[str, np.ndarray]:
    """Query id → moments `[moment, 3]`; read once as long as the file stays as it is.

    Raises
    ------
    DataError
        The file is missing, a line is no JSON object with `qid` and `pred_relevant_windows`, a query stands twice, or a
        moment is reversed or no number.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError("there is no such file of moments", where=str(path))
    state = path.stat()
    return _read(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=2)
def _read(path: Path, changed: int, size: int) -> Mapping[str, np.ndarray]:
    told: dict[str, np.ndarray] = {}
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        entry = parsed(line, where)
        for key in (ID, FOUND):
            if key not in entry:
                raise DataError(
                    f"the line has no '{key}'",
                    where=where,
                    hint='{"qid": …, "query": …, "vid": …, "pred_relevant_windows": [[start, end, score], …]}',
                )
        name = str(entry[ID])
        if name in told:
            raise DataError(f"two lines for the query '{name}'", where=where, hint="one line for each query")
        windows = entry[FOUND]
        if not isinstance(windows, list):
            raise DataError(f"'{FOUND}' is no list", where=where, hint="rows of start, end and score")
        try:
            told[name] = windows_of(windows, 3)
        except DataError as error:
            raise DataError(error.what, where=where, hint=error.hint) from error
    if not told:
        raise DataError("the file has no lines", where=str(path), hint="check that it was written to its end")
    return told


def parsed(line: str, where: str) -> dict[str, object]:
    """One line of a jsonl file.

    Raises
    ------
    DataError
        It is no JSON object.

    Examples
    --------
    >>> parsed('{"qid": 1}', "a.jsonl:1")
    {'qid': 1}
    """
    try:
        held = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"the line is no JSON ({error})", where=where, hint="one JSON object a line") from error
    if not isinstance(held, dict):
        raise DataError(f"the line is a JSON {type(held).__name__}, not an object", where=where)
    return held
