"""Sums over classes that stand before the draws, in the order in which numpy adds up neighbours."""

from __future__ import annotations

import numpy as np


def summed(values: np.ndarray) -> np.ndarray:
    """Sum over the axis before the last, to the bit what `np.sum` gives where that axis is the last.

    Draws that lie next to each other are added a thousand at a time, which is several times quicker than ten classes
    at a time. numpy adds up a contiguous axis pairwise, in eight sums side by side, and longer ones by halves (Higham
    1993, SIAM Journal on Scientific Computing 14:783); the same is done here with whole rows.

    Parameters
    ----------
    values : np.ndarray [shape=(…, class, draw)]

    Returns
    -------
    np.ndarray [shape=(…, draw)]

    Examples
    --------
    >>> some = np.random.default_rng(0).random((30, 7))
    >>> bool((summed(some) == np.ascontiguousarray(some.T).sum(axis=-1)).all())
    True
    """
    count = values.shape[-2]
    if count > 128:
        half = count // 2 - count // 2 % 8
        return summed(values[..., :half, :]) + summed(values[..., half:, :])
    if count < 8:
        total = np.zeros((*values.shape[:-2], values.shape[-1]))
        for i in range(count):
            total += values[..., i, :]
        return total
    whole = count - count % 8
    side = values[..., :8, :]
    for i in range(8, whole, 8):
        side = side + values[..., i : i + 8, :]
    pairs = side[..., 0::2, :] + side[..., 1::2, :]
    total = (pairs[..., 0, :] + pairs[..., 1, :]) + (pairs[..., 2, :] + pairs[..., 3, :])
    for i in range(whole, count):
        total += values[..., i, :]
    return total
