"""Sums of statistics, most of which are zero, as they are stored."""

from __future__ import annotations

import numpy as np


def sparse(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Steps between the places of what is not zero, which compress better than places, and the values as float32.

    Examples
    --------
    >>> step, value = sparse(np.array([[0.0, 2.0], [0.5, 0.0]]))
    >>> step.tolist(), value.tolist(), dense(step, value, (2, 2)).tolist()
    ([1, 1], [2.0, 0.5], [[0.0, 2.0], [0.5, 0.0]])
    """
    flat = np.ascontiguousarray(rows, np.float64).ravel()
    place = np.flatnonzero(flat)
    return np.diff(place, prepend=0).astype(np.uint32), flat[place].astype(np.float32)


def dense(step: np.ndarray, value: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The rows again [dtype=float64]."""
    rows = np.zeros(shape)
    rows.ravel()[np.cumsum(step, dtype=np.int64)] = value
    return rows
