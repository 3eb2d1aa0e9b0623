"""Ratios and means that are NaN where there is nothing to divide by, instead of a warning or a made-up zero."""

from __future__ import annotations

import numpy as np


def ratio(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    """`over / under` where `under` is positive, NaN elsewhere; shapes are broadcast.

    Examples
    --------
    >>> ratio(np.array([1.0, 1.0]), np.array([2.0, 0.0]))
    array([0.5, nan])
    """
    over, under = np.broadcast_arrays(over, under)
    return np.divide(over, under, out=np.full(over.shape, np.nan), where=under > 0)


def defined_mean(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis of the values that are no NaN; NaN if there are none, or both infinities are among them.

    Examples
    --------
    >>> defined_mean(np.array([[1.0, np.nan, 2.0], [np.nan, np.nan, np.nan], [np.inf, -np.inf, 0.0]]))
    array([1.5, nan, nan])
    """
    held = ~np.isnan(values)
    with np.errstate(invalid="ignore"):  # ∞ − ∞ has no value, which is what the NaN says
        total = np.where(held, values, 0.0).sum(axis=-1)
    return ratio(total, held.sum(axis=-1))
