"""Ranks that admit what the data cannot tell apart: ties, rank intervals, tie groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from benchbed.errors import CannotMeasure
from benchbed.types import Direction


def ranks(values: Sequence[float], direction: Direction, *, ties: Literal["min", "average"] = "min") -> np.ndarray:
    """Rank of each value, 1 for the best.

    Parameters
    ----------
    values : sequence of float
        One value per model.
    direction : {"higher", "lower"}
        Which way is better.
    ties : {"min", "average"}, default="min"
        Equal values all get the best of their ranks (1, 2, 2, 4), or the mean of them (1, 2.5, 2.5, 4).

    Raises
    ------
    CannotMeasure
        A value is undefined: it cannot be ranked.

    Examples
    --------
    >>> ranks([0.5, 0.7, 0.7, 0.9], "higher").tolist()
    [4.0, 2.0, 2.0, 1.0]
    """
    array = np.asarray(values, np.float64)
    if np.isnan(array).any():
        raise CannotMeasure(f"{int(np.isnan(array).sum())} of {len(array)} values to rank are undefined")
    return _ranks(array[:, None], direction, ties)[:, 0]


def rank_intervals(replicates: np.ndarray, direction: Direction, level: float = 0.95) -> list[tuple[int, int]]:
    """Best and worst rank of each model over paired bootstrap draws, percentile interval.

    Parameters
    ----------
    replicates : np.ndarray [shape=(model, draw)]
        The metric of each model in the same draws.
    direction : {"higher", "lower"}
        Which way is better.
    level : float, default=0.95
        Coverage.

    Raises
    ------
    CannotMeasure
        Fewer than 20 draws in which every model's metric is defined.

    Examples
    --------
    >>> base = np.linspace(0, 1, 100)
    >>> rank_intervals(np.stack([base, base + 1, base + 1]), "higher")
    [(3, 3), (1, 2), (1, 2)]
    """
    usable = replicates[:, np.isfinite(replicates).all(axis=0)]
    if usable.shape[1] < 20:
        raise CannotMeasure(f"rank intervals from {usable.shape[1]} usable draws")
    tail = (1 - level) / 2
    # A tie can go either way: it counts at its best for the lower end and at its worst for the upper.
    best, worst = _tied(usable, direction)
    low = np.quantile(best, tail, axis=1, method="inverted_cdf")
    high = np.quantile(worst, 1 - tail, axis=1, method="inverted_cdf")
    return [(int(a), int(b)) for a, b in zip(low, high)]


def tie_groups(
    values: Sequence[float], differ: Callable[[int, int], bool], direction: Direction
) -> list[tuple[int, ...]]:
    """Models that are not shown to differ from the best of their group, best group first.

    The best model opens a group, and every following model that is not shown to differ from it joins; the first one
    that is shown to differ opens the next group. "Not shown to differ" does not chain, so a group is read against its
    first member only.

    Parameters
    ----------
    values : sequence of float
        One value per model.
    differ : callable
        Whether two models, by position, are shown to differ (e.g. a Holm-adjusted p-value below 0.05).
    direction : {"higher", "lower"}
        Which way is better.

    Examples
    --------
    >>> tie_groups([0.50, 0.71, 0.70, 0.56], lambda a, b: {a, b} != {1, 2}, "higher")
    [(1, 2), (3,), (0,)]
    """
    array = np.asarray(values, np.float64)
    if np.isnan(array).any():
        raise CannotMeasure(f"{int(np.isnan(array).sum())} of {len(array)} values to rank are undefined")
    order = np.argsort(-array if direction == "higher" else array, kind="stable")
    groups: list[list[int]] = []
    for model in order.tolist():
        if groups and not differ(groups[-1][0], model):
            groups[-1].append(model)
        else:
            groups.append([model])
    return [tuple(group) for group in groups]


def _tied(values: np.ndarray, direction: Direction) -> tuple[np.ndarray, np.ndarray]:
    """The best and the worst rank that ties leave to each model in each draw, from one order of its models."""
    signed = -values if direction == "higher" else values
    best, worst = np.empty(values.shape, np.int32), np.empty(values.shape, np.int32)
    models = len(values)
    places, ends = np.arange(1, models + 1, dtype=np.int32), np.ones(models, bool)
    for given, first, last in zip(np.ascontiguousarray(signed.T), best.T, worst.T):
        order = np.argsort(given)
        ordered = given[order]
        np.not_equal(ordered[1:], ordered[:-1], out=ends[:-1])
        # The place of the first and of the last of those that are equal.
        first[order] = np.maximum.accumulate(np.where(np.roll(ends, 1), places, 0))
        last[order] = np.minimum.accumulate(np.where(ends, places, models)[::-1])[::-1]
    return best, worst


def _ranks(values: np.ndarray, direction: Direction, ties: str) -> np.ndarray:
    signed = -values if direction == "higher" else values
    made = np.empty(values.shape)
    for given, found in zip(np.ascontiguousarray(signed.T), made.T):
        ordered = np.sort(given)
        below = np.searchsorted(ordered, given, side="left")
        if ties == "min":
            found[:] = below + 1.0
        else:
            found[:] = below + (np.searchsorted(ordered, given, side="right") - below + 1) / 2
    return made
