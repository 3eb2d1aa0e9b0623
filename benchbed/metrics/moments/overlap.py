"""Moments against moments: intersection over union, and interpolated average precision of the moments of one query."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def iou(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Intersection over union of each pair of windows, `[one, other]`.

    Parameters
    ----------
    one, other : np.ndarray [shape=(window, 2)]
        Start and end in seconds.

    Examples
    --------
    >>> iou(np.array([[0.0, 2.0]]), np.array([[1.0, 3.0], [5.0, 6.0]])).round(4).tolist()
    [[0.3333, 0.0]]
    """
    left = np.maximum(one[:, None, 0], other[None, :, 0])
    right = np.minimum(one[:, None, 1], other[None, :, 1])
    shared = np.clip(right - left, 0, None)
    union = (one[:, 1] - one[:, 0])[:, None] + (other[:, 1] - other[:, 0])[None, :] - shared
    return shared / union


def average_precision(overlap: np.ndarray, thresholds: Sequence[float]) -> np.ndarray:
    """Average precision of ranked moments at each threshold of overlap `[threshold]`.

    A moment takes the free reference window that it overlaps most, and is wrong where that is below the threshold; a
    window is found once. Precision is interpolated: at each recall the best that any longer list has, as in the PASCAL
    VOC challenge from 2010 on, and the divisor is the number of reference windows.

    Parameters
    ----------
    overlap : np.ndarray [shape=(moment, window)]
        From `iou`, best moment first.
    thresholds : sequence of float
        An overlap counts from here on.

    Examples
    --------
    >>> overlap = np.array([[0.0, 0.6], [0.9, 0.0]])
    >>> average_precision(overlap, [0.5, 0.7]).tolist()
    [1.0, 0.25]
    """
    moments, windows = overlap.shape
    found = np.zeros(len(thresholds))
    if not moments or not windows:
        return found
    for number, threshold in enumerate(thresholds):
        free = np.ones(windows, bool)
        right = np.zeros(moments, bool)
        for moment in range(moments):
            # Of windows that are overlapped alike the later one first, as a reversed sort has it.
            for window in np.argsort(overlap[moment])[::-1]:
                if overlap[moment, window] < threshold:
                    break
                if free[window]:
                    free[window] = False
                    right[moment] = True
                    break
        precision = np.cumsum(right) / np.arange(1, moments + 1)
        best = np.maximum.accumulate(precision[::-1])[::-1]
        found[number] = best[right].sum() / windows
    return found
