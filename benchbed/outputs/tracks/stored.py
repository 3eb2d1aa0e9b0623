"""Tracks on disk: one list of rows for each recording and column, of answers and of the references beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from benchbed.errors import DataError
from benchbed.outputs.clip_labels import numbers
from benchbed.outputs.columns import joined, lists, starts, whole
from benchbed.outputs.tracks.recording import Tracks

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = ("frame", "label", "source", "azimuth", "elevation", "distance", "onscreen")
_SIDES = ("track", "reference")
#: Column of activities, NaN where it is decided what sounds.
_ACTIVITY = "track_activity"
#: Columns of a file.
COLUMNS = (*(f"{side}_{name}" for side in _SIDES for name in _ROWS), _ACTIVITY, "frames", "answered")
#: On-screen in a file: not said, no, yes.
_UNSAID = -1


def pack(answers: Sequence[Tracks], references: Sequence[Tracks] | None, labels: Sequence[str]) -> dict[str, pa.Array]:
    """Columns of answers and of the reference beside each."""
    import pyarrow as pa

    if references is None or len(references) != len(answers):
        raise ValueError("tracks are stored with the reference of every recording")
    made: dict[str, pa.Array] = {}
    for side, held in zip(_SIDES, (answers, references)):
        made |= {f"{side}_{name}": column for name, column in _packed(held, labels).items()}
    frames = [-1 if one.frames is None else one.frames for one in references]
    sure = [np.full(len(one), np.nan) if one.activity is None else one.activity for one in answers]
    return {
        **made,
        _ACTIVITY: lists(starts([len(one) for one in answers]), joined(sure, np.float64)),
        "frames": pa.array(frames, pa.int64()),
        "answered": pa.array([one.answered for one in answers], pa.bool_()),
    }


def unpack(table: pa.Table, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Answers and references of every row, from the columns of a file.

    Raises
    ------
    DataError
        A row names a class that the file's labels lack.
    """
    frames = whole(table["frames"]).to_numpy(zero_copy_only=False)
    answered = whole(table["answered"]).to_numpy(zero_copy_only=False)
    answers, references = (_unpacked(table, side, labels, frames) for side in _SIDES)
    sure = np.asarray(whole(table[_ACTIVITY]).values)
    ends = np.cumsum([0, *(len(one) for one in answers)])
    for row, one in enumerate(answers.tolist()):
        activity = sure[ends[row] : ends[row + 1]]
        if len(one) and not np.isnan(activity).all():
            answers[row] = replace(one, activity=activity)
    for row in np.flatnonzero(~answered.astype(bool)).tolist():
        answers[row] = Tracks(frames=answers[row].frames, answered=False)
    return answers, references


def _packed(held: Sequence[Tracks], labels: Sequence[str]) -> dict[str, pa.Array]:
    import pyarrow as pa

    at = starts([len(one) for one in held])
    names = np.array(labels, dtype=object)
    text = [str(name) for one in held for name in names[one.label]]
    distance = [np.full(len(one), np.nan) if one.distance is None else one.distance for one in held]
    seen = [np.full(len(one), _UNSAID) if one.onscreen is None else one.onscreen for one in held]
    return {
        "frame": lists(at, joined([one.frame for one in held], np.int64)),
        "label": lists(at, pa.array(text, pa.string())),
        "source": lists(at, joined([one.source for one in held], np.int64)),
        "azimuth": lists(at, joined([one.azimuth for one in held], np.float64)),
        "elevation": lists(at, joined([one.elevation for one in held], np.float64)),
        "distance": lists(at, joined(distance, np.float64)),
        "onscreen": lists(at, joined(seen, np.int8)),
    }


def _unpacked(table: pa.Table, side: str, labels: Sequence[str], frames: np.ndarray) -> np.ndarray:
    columns = {name: whole(table[f"{side}_{name}"]) for name in _ROWS}
    ends = np.asarray(columns["frame"].offsets, dtype=np.int64)
    number = numbers(labels)
    text = columns.pop("label").values.to_pylist()
    unknown = set(text) - set(number)
    if unknown:
        raise DataError(f"stored tracks name the class '{sorted(unknown)[0]}', which the file's labels lack")
    values = {name: np.asarray(column.values) for name, column in columns.items()}
    values["label"] = np.array([number[name] for name in text], np.int64)
    tracks = np.empty(len(table), dtype=object)
    for row in range(len(table)):
        part = {name: column[ends[row] : ends[row + 1]] for name, column in values.items()}
        distance, seen = part["distance"], part["onscreen"]
        tracks[row] = Tracks(
            part["frame"],
            part["label"],
            part["source"],
            part["azimuth"],
            part["elevation"],
            distance=None if len(distance) and np.isnan(distance).all() else distance,
            onscreen=None if len(seen) and (seen == _UNSAID).all() else seen > 0,
            frames=None if frames[row] < 0 else int(frames[row]),
        )
    return tracks
