"""How the scores of each output kind stand in a prediction file, one row per (clip, cell, draw).

A scene or a list of tags is one vector of probabilities, stored as a list of fixed length. Frames are a list of such
vectors, beside the hop and the length of the recording, and carry the timed reference that belongs to them: a
perturbation that moves sounds moves the reference, and the two are never stored apart.

Scores are stored as float32 where every one of them is a float32 number, as a network's probabilities are, and as
float64 otherwise: a softmax or sigmoid in float32 makes ties of scores that rank. Float64 takes twice the
disk: 7.6 bytes a score after compression where float32 takes 3.7. Either way the scores that are read are those that
were written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from benchbed.errors import DataError
from benchbed.types import Events, FrameScores

if TYPE_CHECKING:
    import pyarrow as pa

#: Output kinds that have a form on disk.
Kind = Literal["scene", "tags", "frames"]
#: Columns of frames besides `scores`; times of references are whole microseconds.
FRAME_COLUMNS = ("frame_seconds", "seconds", "event_onset", "event_offset", "event_label", "event_confidence")


def pack(kind: Kind, scores: Any, references: Sequence[Events] | None, labels: Sequence[str]) -> dict[str, pa.Array]:
    """Columns of a file for the outputs of its rows.

    Parameters
    ----------
    kind : str
        `scene`, `tags` or `frames`.
    scores : np.ndarray
        Probabilities `[row, class]`; for frames an object array `[row]` of `FrameScores`.
    references : sequence of Events, optional
        Timed reference of each row; frames only.
    labels : sequence of str
        Class names in the order of the scores.

    Returns
    -------
    dict of str to pyarrow.Array
        `scores`; for a scene also `prediction`, its most probable class; for frames also `FRAME_COLUMNS`.

    Examples
    --------
    >>> packed = pack("tags", np.array([[0.25, 0.5]]), None, ("a", "b"))
    >>> packed["scores"].to_pylist()
    [[0.25, 0.5]]
    """
    import pyarrow as pa

    if kind == "frames":
        return _pack_frames(scores, references, labels)
    values = _narrowest(np.asarray(scores))
    made = {}
    if kind == "scene":
        best = np.array(labels, dtype=object)[values.argmax(1)] if len(values) else np.array([], dtype=object)
        made["prediction"] = pa.array(best, type=pa.string())
    made["scores"] = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), len(labels))
    return made


def _pack_frames(
    scores: Sequence[FrameScores], references: Sequence[Events] | None, labels: Sequence[str]
) -> dict[str, pa.Array]:
    import pyarrow as pa

    if references is None or len(references) != len(scores):
        raise ValueError("frames are stored with the timed reference of every row")
    flat = _narrowest(np.concatenate([one.values for one in scores] or [np.zeros((0, len(labels)))]))
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(flat.ravel()), len(labels))
    names = np.array(labels, dtype=object)
    confidence = [r.confidence if r.confidence is not None else np.ones(len(r)) for r in references]
    at = _starts([len(one.values) for one in scores]), _starts([len(r) for r in references])
    text = [str(name) for r in references for name in names[r.label]]
    return {
        "frame_seconds": pa.array([one.frame_seconds for one in scores], pa.float64()),
        "seconds": pa.array([one.seconds for one in scores], pa.float64()),
        "event_onset": _lists(at[1], _joined([r.onset for r in references], np.int64)),
        "event_offset": _lists(at[1], _joined([r.offset for r in references], np.int64)),
        "event_label": _lists(at[1], pa.array(text, pa.string())),
        "event_confidence": _lists(at[1], _joined(confidence, np.float64)),
        "scores": _lists(at[0], vectors),
    }


def unpack(kind: Kind, table: pa.Table, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray | None]:
    """Scores and references of the rows of a joined file.

    Returns
    -------
    np.ndarray
        As `pack` takes them; in the type of the file.
    np.ndarray [shape=(row,), object] or None
        `Events` of every row of frames.

    Raises
    ------
    DataError
        A reference names a class that the file's labels lack.
    """
    import pyarrow as pa

    column = _whole(table["scores"])
    if kind != "frames":
        flat = column.values if isinstance(column, pa.FixedSizeListArray) else column.flatten()
        return np.asarray(flat).reshape(len(table), len(labels)), None
    inner = column.values
    flat = inner.values if isinstance(inner, pa.FixedSizeListArray) else inner.flatten()
    frames = np.asarray(flat).reshape(-1, len(labels))
    ends = np.asarray(column.offsets, dtype=np.int64)
    hop, seconds = (_whole(table[name]).to_numpy(zero_copy_only=False) for name in ("frame_seconds", "seconds"))
    scores = np.empty(len(table), dtype=object)
    for row in range(len(table)):
        scores[row] = FrameScores(frames[ends[row] : ends[row + 1]], float(hop[row]), float(seconds[row]))
    return scores, _references(table, labels, scores)


def _references(table: pa.Table, labels: Sequence[str], scores: np.ndarray) -> np.ndarray:
    number = {label: index for index, label in enumerate(labels)}
    columns = {name: _whole(table[f"event_{name}"]) for name in ("onset", "offset", "label", "confidence")}
    ends = np.asarray(columns["onset"].offsets, dtype=np.int64)
    onset, offset = (np.asarray(columns[name].values, dtype=np.int64) for name in ("onset", "offset"))
    names = columns["label"].values.to_pylist()
    unknown = set(names) - set(number)
    if unknown:
        raise DataError(f"a stored reference names the class '{sorted(unknown)[0]}', which the file's labels lack")
    label = np.array([number[name] for name in names], dtype=np.int64)
    confidence = np.asarray(columns["confidence"].values, dtype=np.float64)
    found = np.empty(len(table), dtype=object)
    for row in range(len(table)):
        part = slice(ends[row], ends[row + 1])
        soft = confidence[part] if (confidence[part] != 1).any() else None
        found[row] = Events(onset[part], offset[part], label[part], scores[row].length, soft)
    return found


def in_double(table: pa.Table) -> pa.Table:
    """A file's table with its scores in float64, so that it joins others; nothing is lost."""
    import pyarrow as pa

    at = table.schema.get_field_index("scores")
    return table.set_column(at, "scores", table["scores"].cast(_doubled(table.schema.field(at).type, pa)))


def single(table: pa.Table) -> bool:
    """Whether a file's scores are float32 numbers."""
    import pyarrow as pa

    kind = table.schema.field("scores").type
    while pa.types.is_nested(kind):
        kind = kind.value_type
    return bool(kind == pa.float32())


def _doubled(kind: Any, pa: Any) -> Any:
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(_doubled(kind.value_type, pa), kind.list_size)
    if pa.types.is_large_list(kind):
        return pa.large_list(_doubled(kind.value_type, pa))
    if pa.types.is_list(kind):
        return pa.list_(_doubled(kind.value_type, pa))
    return pa.float64()


def _narrowest(scores: np.ndarray) -> np.ndarray:
    narrow = scores.astype(np.float32)
    # Compared as float64: by value, not by how it prints.
    return np.ascontiguousarray(narrow if np.array_equal(narrow.astype(np.float64), scores) else scores)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    import pyarrow as pa

    made = column.combine_chunks()
    return made if not isinstance(made, pa.ChunkedArray) else pa.concat_arrays(made.chunks)


def _starts(lengths: Sequence[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _joined(parts: Sequence[np.ndarray], kind: type) -> np.ndarray:
    return np.concatenate([np.asarray(part, kind) for part in parts] or [np.zeros(0, kind)])


def _lists(ends: np.ndarray, values: Any) -> pa.Array:
    import pyarrow as pa

    values = values if isinstance(values, pa.Array) else pa.array(values)
    return pa.LargeListArray.from_arrays(pa.array(ends, pa.int64()), values)
