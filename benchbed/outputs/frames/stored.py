"""Frames, lists of events and their references on disk: times of events are whole microseconds.

A row holds frames or a list. Lists keep their order, and every event of theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchbed.errors import DataError
from benchbed.outputs.class_scores import narrowest, vectors
from benchbed.outputs.clip_labels import numbers
from benchbed.outputs.columns import joined, lists, starts, whole
from benchbed.outputs.frames.recording import SECOND, Events, FrameScores, frame_scores, microseconds

if TYPE_CHECKING:
    import pyarrow as pa

#: Columns of a file.
COLUMNS = ("scores", "frame_seconds", "seconds", "event_onset", "event_offset", "event_label", "event_confidence")
#: Further ones of files with lists; rows of frames have nothing there.
LISTED = ("listed_onset", "listed_offset", "listed_label", "listed_confidence")


def pack(
    answers: Sequence[FrameScores | Events], references: Sequence[Events] | None, labels: Sequence[str]
) -> dict[str, pa.Array]:
    """Columns of recordings and of the reference beside each."""
    import pyarrow as pa

    if references is None or len(references) != len(answers):
        raise ValueError("answers over time are stored with the timed reference of every row")
    frames = [one if isinstance(one, FrameScores) else _NOTHING for one in answers]
    flat = narrowest(np.concatenate([one.scores for one in frames if len(one)] or [np.zeros((0, len(labels)))]))
    rows = pa.FixedSizeListArray.from_arrays(pa.array(flat.ravel()), len(labels))
    found = {
        "frame_seconds": pa.array([one.hop for one in frames], pa.float64()),
        "seconds": pa.array([_seconds(one) for one in answers], pa.float64()),
        **_events("event", references, labels),
        "scores": lists(starts([len(one.scores) for one in frames]), rows),
    }
    if any(isinstance(one, Events) for one in answers):
        found |= _events("listed", [one if isinstance(one, Events) else None for one in answers], labels)
    return found


_NOTHING = FrameScores(np.zeros((0, 0)), np.zeros(1, np.int64))


def _seconds(answer: FrameScores | Events) -> float | None:
    if isinstance(answer, FrameScores):
        return answer.seconds
    return None if answer.duration is None else answer.duration / SECOND


def _events(name: str, events: Sequence[Events | None], labels: Sequence[str]) -> dict[str, pa.Array]:
    import pyarrow as pa

    names = np.array(labels, dtype=object)
    held = [one for one in events if one is not None]
    ends = starts([0 if one is None else len(one) for one in events])
    sure = [np.full(len(one), _certain(name)) if one.confidence is None else one.confidence for one in held]
    text = [str(label) for one in held for label in names[one.label]]
    columns = {
        f"{name}_onset": lists(ends, joined([one.onset for one in held], np.int64)),
        f"{name}_offset": lists(ends, joined([one.offset for one in held], np.int64)),
        f"{name}_label": lists(ends, pa.array(text, pa.string())),
        f"{name}_confidence": lists(ends, joined(sure, np.float64)),
    }
    if len(held) == len(events):
        return columns
    absent = pa.array([one is None for one in events])
    return {key: _nulled(column, absent) for key, column in columns.items()}


def _nulled(column: pa.Array, absent: pa.Array) -> pa.Array:
    from pyarrow import compute

    return compute.if_else(absent, None, column)


def _certain(name: str) -> float:
    # A listed event without confidence is another thing than one of which its system is sure; a reference is not.
    return float("nan") if name == "listed" else 1.0


def unpack(table: pa.Table, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Frame scores or listed events, and reference events, of every row [shape=(row,), object].

    Raises
    ------
    DataError
        An event is of a class that the file's labels lack.
    """
    column = whole(table["scores"])
    frames = vectors(column.values).reshape(-1, len(labels))
    ends = np.asarray(column.offsets, dtype=np.int64)
    hop, seconds = (whole(table[name]).to_numpy(zero_copy_only=False) for name in ("frame_seconds", "seconds"))
    answers = np.empty(len(table), dtype=object)
    said = _lists(table, "listed", labels, seconds) if LISTED[0] in table.column_names else None
    for row in range(len(table)):
        if said is not None and said[row] is not None:
            answers[row] = said[row]
        else:
            part = frames[ends[row] : ends[row + 1]]
            answers[row] = frame_scores(part, float(hop[row]), float(seconds[row]))
    return answers, _lists(table, "event", labels, seconds)


def _lists(table: pa.Table, name: str, labels: Sequence[str], seconds: np.ndarray) -> np.ndarray:
    """Events of every row, None where there is no list."""
    number = numbers(labels)
    columns = {part: whole(table[f"{name}_{part}"]) for part in ("onset", "offset", "label", "confidence")}
    absent = np.asarray(columns["onset"].is_null())
    sizes = np.asarray(columns["onset"].value_lengths().fill_null(0), dtype=np.int64)
    ends = starts(sizes.tolist())
    onset, offset = (np.asarray(columns[part].flatten(), dtype=np.int64) for part in ("onset", "offset"))
    names = columns["label"].flatten().to_pylist()
    unknown = set(names) - set(number)
    if unknown:
        raise DataError(f"a stored event is of the class '{sorted(unknown)[0]}', which the file's labels lack")
    label = np.array([number[text] for text in names], dtype=np.int64)
    confidence = np.asarray(columns["confidence"].flatten(), dtype=np.float64)
    certain = np.isnan(confidence) if name == "listed" else confidence == 1
    found = np.empty(len(table), dtype=object)
    for row in np.flatnonzero(~absent):
        part = slice(ends[row], ends[row + 1])
        sure = confidence[part] if not certain[part].all() else None
        length = None if np.isnan(seconds[row]) else int(microseconds(float(seconds[row])))
        found[row] = Events(onset[part], offset[part], label[part], length, sure)
    return found
