"""Intervals of many values that were drawn together: one sort and one pass over their draws."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from benchbed.stats.bootstrap import Bootstrap, Interval, effective_freedom, influences


def intervals(
    boot: Bootstrap, replicates: np.ndarray, values: Sequence[float] | np.ndarray, groups: Sequence[int]
) -> list[Interval]:
    """Interval of each value, the same to the bit as `Bootstrap.interval` gives it alone.

    Parameters
    ----------
    boot : Bootstrap
        What drew the replicates.
    replicates : np.ndarray [shape=(value, draw)]
        Each value in every draw.
    values : sequence of float
        The values.
    groups : sequence of int
        Recording groups that each rests on.

    Examples
    --------
    >>> boot = Bootstrap(30, 200, "toy")
    >>> drawn = boot.replicates(np.eye(30)[:, :2]).T / 30
    >>> intervals(boot, drawn, [1 / 30, 1 / 30], [30, 30])[1] == boot.interval(drawn[1], value=1 / 30)
    True
    """
    values, rests = np.asarray(values, np.float64), np.asarray(groups, np.int64)
    plain = np.isfinite(values) & (rests >= 2) & np.isfinite(replicates).all(axis=1)
    if boot.method != "centred" or boot.draws == 0:
        plain[:] = False
    made: dict[int, Interval] = {
        int(i): boot.interval(replicates[i], groups=int(rests[i]), value=float(values[i]))
        for i in np.flatnonzero(~plain)
    }
    at = np.flatnonzero(plain)
    if len(at):
        ordered = np.sort(replicates[at], axis=1)
        least, most = ordered[:, 0], ordered[:, -1]
        moves = (most != least) & (most - least > 1e-12 * np.maximum(1.0, np.abs(least)))
        made |= {int(i): Interval(None, None, reason="every draw gives the same value") for i in at[~moves]}
        at, ordered = at[moves], ordered[moves]
        low, high = _ends(boot, replicates[at], ordered, values[at], rests[at])
        words = {int(count): boot.describe(int(count)) for count in np.unique(rests[at])}
        for i, bottom, top in zip(at.tolist(), low.tolist(), high.tolist()):
            made[i] = Interval(bottom, top, words[int(rests[i])])
    return [made[i] for i in range(len(replicates))]


def _ends(
    boot: Bootstrap, replicates: np.ndarray, ordered: np.ndarray, values: np.ndarray, groups: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    from scipy.special import ndtr, stdtrit

    freedom = _freedoms(boot, replicates, groups)
    bias = _biases(ordered, values)
    tail = ndtr(np.sqrt(groups / (groups - 1)) * stdtrit(freedom, (1 - boot.level) / 2))
    return _quantiles(ordered, tail, bias), _quantiles(ordered, 1 - tail, bias)


def _quantiles(ordered: np.ndarray, shares: np.ndarray, less: np.ndarray | float = 0.0) -> np.ndarray:
    """Of each row, less a number, as `replicates.quantile` has it."""
    last = ordered.shape[1] - 1
    place = np.clip(shares * (last + 2) - 1, 0.0, float(last))
    left, row = np.floor(place).astype(np.int64), np.arange(len(ordered))
    low, high = ordered[row, left] - less, ordered[row, np.minimum(left + 1, last)] - less
    return low + (place - left) * (high - low)


def _biases(ordered: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Of each row, as `Replicates.bias` has it."""
    every, draws = np.ones(len(ordered)), ordered.shape[1]
    low, high = (_quantiles(ordered, share * every)[:, None] for share in (0.025, 0.975))
    middle = np.minimum(np.maximum(ordered, low), high)
    mean = np.add.reduce(middle, axis=1) / draws
    middle -= mean[:, None]
    found = mean - values
    chance = 2 * np.sqrt(np.add.reduce(middle * middle, axis=1) / draws) / math.sqrt(draws)
    return np.copysign(np.maximum(np.abs(found) - chance, 0.0), found)


def _freedoms(boot: Bootstrap, replicates: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Of each row, as `bootstrap.degrees_of_freedom` has it."""
    found = (groups - 1).astype(np.float64)
    asked = np.flatnonzero(groups > 2) if boot.estimates else np.zeros(0, np.int64)
    if not len(asked):
        return found
    draws = replicates.shape[1]
    centred = replicates[asked]
    centred -= centred.mean(axis=1)[:, None]
    # A product of all rows would add up in another order, and end in another last digit.
    spread = np.array([float(row @ row) for row in centred]) / draws
    moves = spread > 0
    asked, centred, spread = asked[moves], centred[moves], spread[moves]
    unit = (centred / np.sqrt(spread)[:, None]).astype(np.float32)
    influence = np.array([influences([boot], row) for row in unit]).reshape(len(unit), boot.groups) / draws
    squares, fourths = np.sum(influence**2, axis=1).tolist(), np.sum(influence**4, axis=1).tolist()
    for i, square, fourth in zip(asked.tolist(), squares, fourths):
        found[i] = effective_freedom(square, fourth, boot.groups, draws, int(groups[i]))
    return found
