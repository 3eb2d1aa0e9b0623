"""What a probe is chosen by: accuracy where a clip has one class, else the mean of average precisions over classes."""

from __future__ import annotations

import numpy as np

from benchbed.metrics.ranked_classes import RankedClasses


def judged(scores: np.ndarray, targets: np.ndarray, *, exclusive: bool) -> float:
    """How good scores are, between 0 and 1.

    Parameters
    ----------
    scores : np.ndarray [shape=(clip, class)]
    targets : np.ndarray [shape=(clip, class)]
        1 where a class is present.
    exclusive : bool
        One class is right.

    Returns
    -------
    float
        Accuracy; or mean average precision over the classes that occur, 0 where none does.

    Examples
    --------
    >>> judged(np.array([[0.9, 0.1], [0.8, 0.2]]), np.eye(2), exclusive=True)
    0.5
    >>> judged(np.array([[0.9, 0.1], [0.8, 0.2]]), np.eye(2), exclusive=False)
    1.0
    """
    if exclusive:
        return float((scores.argmax(1) == targets.argmax(1)).mean())
    positive = targets > 0
    ranked = RankedClasses(scores, positive, np.ones(positive.shape, bool), np.zeros(len(scores), np.int64))
    precisions = ranked.figures(np.ones((1, 1))).ap[0]
    known = precisions[~np.isnan(precisions)]
    return float(known.mean()) if len(known) else 0.0
