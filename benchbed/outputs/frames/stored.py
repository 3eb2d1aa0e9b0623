"""Frames and their references on disk: times of references are whole microseconds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchbed.errors import DataError
from benchbed.outputs.class_scores import narrowest, vectors
from benchbed.outputs.clip_labels import numbers
from benchbed.outputs.columns import joined, lists, starts, whole
from benchbed.outputs.frames.recording import Events, FrameScores, frame_scores, microseconds

if TYPE_CHECKING:
    import pyarrow as pa

#: Columns of a file.
COLUMNS = ("scores", "frame_seconds", "seconds", "event_onset", "event_offset", "event_label", "event_confidence")


def pack(
    scores: Sequence[FrameScores], references: Sequence[Events] | None, labels: Sequence[str]
) -> dict[str, pa.Array]:
    """Columns of recordings and of the reference beside each."""
    import pyarrow as pa

    if references is None or len(references) != len(scores):
        raise ValueError("frames are stored with the timed reference of every row")
    flat = narrowest(np.concatenate([one.scores for one in scores] or [np.zeros((0, len(labels)))]))
    rows = pa.FixedSizeListArray.from_arrays(pa.array(flat.ravel()), len(labels))
    names = np.array(labels, dtype=object)
    confidence = [r.confidence if r.confidence is not None else np.ones(len(r)) for r in references]
    at = starts([len(one.scores) for one in scores]), starts([len(r) for r in references])
    text = [str(name) for r in references for name in names[r.label]]
    return {
        "frame_seconds": pa.array([one.hop for one in scores], pa.float64()),
        "seconds": pa.array([one.seconds for one in scores], pa.float64()),
        "event_onset": lists(at[1], joined([r.onset for r in references], np.int64)),
        "event_offset": lists(at[1], joined([r.offset for r in references], np.int64)),
        "event_label": lists(at[1], pa.array(text, pa.string())),
        "event_confidence": lists(at[1], joined(confidence, np.float64)),
        "scores": lists(at[0], rows),
    }


def unpack(table: pa.Table, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Frame scores and events of every row [shape=(row,), object], from the columns of a file.

    Raises
    ------
    DataError
        A reference names a class that the file's labels lack.
    """
    column = whole(table["scores"])
    frames = vectors(column.values).reshape(-1, len(labels))
    ends = np.asarray(column.offsets, dtype=np.int64)
    hop, seconds = (whole(table[name]).to_numpy(zero_copy_only=False) for name in ("frame_seconds", "seconds"))
    scores = np.empty(len(table), dtype=object)
    for row in range(len(table)):
        scores[row] = frame_scores(frames[ends[row] : ends[row + 1]], float(hop[row]), float(seconds[row]))
    return scores, _references(table, labels, seconds)


def _references(table: pa.Table, labels: Sequence[str], seconds: np.ndarray) -> np.ndarray:
    number = numbers(labels)
    columns = {name: whole(table[f"event_{name}"]) for name in ("onset", "offset", "label", "confidence")}
    ends = np.asarray(columns["onset"].offsets, dtype=np.int64)
    onset, offset = (np.asarray(columns[name].values, dtype=np.int64) for name in ("onset", "offset"))
    names = columns["label"].values.to_pylist()
    unknown = set(names) - set(number)
    if unknown:
        raise DataError(f"a stored reference names the class '{sorted(unknown)[0]}', which the file's labels lack")
    label = np.array([number[name] for name in names], dtype=np.int64)
    confidence = np.asarray(columns["confidence"].values, dtype=np.float64)
    references = np.empty(len(table), dtype=object)
    for row in range(len(table)):
        part = slice(ends[row], ends[row + 1])
        soft = confidence[part] if (confidence[part] != 1).any() else None
        references[row] = Events(onset[part], offset[part], label[part], int(microseconds(seconds[row])), soft)
    return references
