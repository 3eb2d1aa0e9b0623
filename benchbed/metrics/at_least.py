"""When a score is at least a threshold, decided in one type.

A threshold of 0.7 is written in decimals and read as float64; a model's score of 0.7 is float32, which as float64 is a
little less. Compared as they stand, many of the thresholds 0.01, 0.02, … 0.99 are missed by the very score that a
network puts out for them. Here a threshold is compared with float32 numbers as the float32 number it is, and with
others as float64: what numpy, torch and a reader of the printed figures expect. Files keep every bit of the scores, so
this holds however they came here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def at_least(scores: np.ndarray, threshold: float | Sequence[float] | np.ndarray) -> np.ndarray:
    """Which scores reach their threshold.

    Parameters
    ----------
    scores : np.ndarray [shape=(…, class)]
        Scores; float32 numbers may have become float64 since.
    threshold : float or np.ndarray [shape=(class,)]
        One threshold, or one per class.

    Returns
    -------
    np.ndarray [shape=(…, class), bool]

    Examples
    --------
    >>> at_least(np.array([0.7, 0.69999999]), 0.7).tolist(), at_least(np.array([0.7], np.float32), 0.7).tolist()
    ([True, False], [True])
    """
    limit = np.asarray(threshold, np.float64)
    if scores.dtype == np.float32:
        return scores >= limit.astype(np.float32)
    return (scores >= limit) | (scores == limit.astype(np.float32).astype(np.float64))


def in_type_of(scores: np.ndarray, thresholds: Sequence[float] | np.ndarray) -> np.ndarray:
    """Thresholds as float64 numbers that are compared with many scores at once by their order.

    Parameters
    ----------
    scores : np.ndarray [shape=(score,)]
        All scores that the thresholds meet.
    thresholds : np.ndarray [shape=(threshold,)]
        As they were written.

    Returns
    -------
    np.ndarray [shape=(threshold,), float64]
        Rounded to float32 where every score is a float32 number, else as they are.

    Examples
    --------
    >>> float(in_type_of(np.array([0.7], np.float32), [0.7])[0]), float(in_type_of(np.array([0.7]), [0.7])[0])
    (0.699999988079071, 0.7)
    """
    limits = np.asarray(thresholds, np.float64)
    values = np.asarray(scores)
    single = values.dtype == np.float32 or bool((values == values.astype(np.float32)).all())
    return limits.astype(np.float32).astype(np.float64) if single and len(values) else limits
