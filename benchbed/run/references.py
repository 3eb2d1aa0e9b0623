"""What metrics are given: outputs and references of the rows of a cell, in the form of the suite's task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from benchbed.predictions.store import Predictions
from benchbed.types import Events

if TYPE_CHECKING:
    import pandas as pd

    from benchbed.metrics.sed import recording

#: Soft labels count where more than this share of the annotators heard the event, as in DCASE 2023 and 2024.
SURE = 0.5


def reference_of(label: pd.Series, labels: Sequence[str], task: str) -> np.ndarray:
    """References of the clips of a split.

    Parameters
    ----------
    label : pandas.Series
        A class name for each clip, or for tags a tuple of them.
    labels : sequence of str
        Class names in the order of the scores.
    task : str
        `scene`, `tags` or `frames`.

    Returns
    -------
    np.ndarray
        Class numbers [shape=(clip,)]; for tags 1 where a class is present [shape=(clip, class)]. The references of
        frames stand beside their predictions, so for them the array is only as long.

    Examples
    --------
    >>> import pandas as pd
    >>> reference_of(pd.Series([("b",), (), ("a", "b")]), ("a", "b"), "tags").tolist()
    [[0.0, 1.0], [0.0, 0.0], [1.0, 1.0]]
    """
    number = {name: index for index, name in enumerate(labels)}
    if task == "scene":
        return label.map(number).to_numpy()
    if task == "frames":
        return np.zeros(len(label))
    present = np.zeros((len(label), len(labels)))
    for row, names in enumerate(label):
        present[row, [number[name] for name in names]] = 1.0
    return present


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
        references[index] = certain(predictions.references[row])
    return outputs, references


def certain(truth: Events) -> recording.Events:
    """A timed reference as event metrics take it: of soft labels, the events that most annotators heard.

    Examples
    --------
    >>> truth = Events(np.array([0, 5]), np.array([5, 9]), np.array([0, 0]), 9, np.array([0.4, 0.9]))
    >>> certain(truth).onset.tolist()
    [5]
    """
    from benchbed.metrics.sed import recording

    sure = slice(None) if truth.confidence is None else truth.confidence > SURE
    hard = recording.Events(truth.onset[sure], truth.offset[sure], truth.label[sure], truth.length)
    return hard if truth.confidence is None else recording.merge(hard)
