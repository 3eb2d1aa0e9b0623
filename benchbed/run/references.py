"""What metrics are given: outputs and references of the rows of a cell, in the form of the suite's task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchbed.predictions.store import Predictions
from benchbed.types import Events

if TYPE_CHECKING:
    import pandas as pd

    from benchbed.metrics.sed import recording

#: Soft labels count where more than this share of the annotators heard the event, as in DCASE 2023 and 2024.
SURE = 0.5


#: Column that says which recordings of a set of timed events have tags alone.
WEAK = "weak"


def reference_of(clips: pd.DataFrame | pd.Series, labels: Sequence[str], task: str) -> np.ndarray:
    """References of the clips of a split.

    Parameters
    ----------
    clips : pandas.DataFrame, or the column of its labels
        With the column `label`, a class name for each clip, or for tags a tuple of them; for frames perhaps with the
        column `weak`, true where a recording has tags alone.
    labels : sequence of str
        Class names in the order of the scores.
    task : str
        `scene`, `tags` or `frames`.

    Returns
    -------
    np.ndarray
        Class numbers [shape=(clip,)]; for tags 1 where a class is present [shape=(clip, class)]. The references of
        frames stand beside their predictions, so for them the array is only as long, and holds tags [shape=(class,)]
        where a recording has nothing else.

    Examples
    --------
    >>> import pandas as pd
    >>> reference_of(pd.DataFrame({"label": [("b",), (), ("a", "b")]}), ("a", "b"), "tags").tolist()
    [[0.0, 1.0], [0.0, 0.0], [1.0, 1.0]]
    """
    number = {name: index for index, name in enumerate(labels)}
    label = clips["label"] if clips.ndim == 2 else clips
    if task == "scene":
        return label.map(number).to_numpy()
    weak = clips[WEAK].to_numpy(bool) if clips.ndim == 2 and WEAK in clips else np.zeros(len(label), bool)
    if task == "frames" and not weak.any():
        return np.zeros(len(label))
    present = np.zeros((len(label), len(labels)))
    for row, names in enumerate(label):
        present[row, [number[name] for name in names]] = 1.0
    if task == "tags":
        return present
    tags = np.empty(len(label), dtype=object)
    for row in np.flatnonzero(weak).tolist():
        tags[row] = present[row]
    return tags


def some_weak(tables: Iterable[pd.DataFrame]) -> bool:
    """Whether some recordings of frames have tags alone."""
    return any(WEAK in table and bool(table[WEAK].any()) for table in tables)


def answers(
    predictions: Predictions, rows: np.ndarray, target: np.ndarray, position: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Outputs and references of some rows of predictions, as metric families take them.

    Parameters
    ----------
    rows : np.ndarray [shape=(row,), int]
        Rows of the predictions.
    target : np.ndarray [shape=(clip, …)]
        References of the split, as `reference_of` makes them.
    position : np.ndarray [shape=(row,), int]
        The clip of each row.
    """
    if predictions.kind != "frames":
        return predictions.scores[rows], target[position]
    from benchbed.metrics.sed import recording

    assert predictions.references is not None
    outputs, references = np.empty(len(rows), dtype=object), np.empty(len(rows), dtype=object)
    for index, row in enumerate(rows):
        one = predictions.scores[row]
        outputs[index] = recording.frame_scores(one.values, one.frame_seconds, one.seconds)
        tags = target[position[index]] if target.dtype == object else None
        references[index] = certain(predictions.references[row]) if tags is None else tags
    return outputs, references


def certain(truth: Events) -> recording.Events:
    """A timed reference as event metrics take it: of soft labels, the events that most annotators heard.

    Seconds of one class that follow each other are one event.

    Examples
    --------
    >>> truth = Events(np.array([0, 5, 9]), np.array([5, 9, 12]), np.zeros(3, int), 12, np.array([0.4, 0.9, 0.6]))
    >>> certain(truth).onset.tolist(), certain(truth).offset.tolist()
    ([5], [12])
    """
    from benchbed.metrics.sed import recording

    sure = slice(None) if truth.confidence is None else truth.confidence > SURE
    hard = recording.Events(truth.onset[sure], truth.offset[sure], truth.label[sure], truth.length)
    return hard if truth.confidence is None else recording.merge(hard, touching=True)
