"""Figures of a cell without some of its clips, in seeded re-draws: how much a figure owes to what is missing."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from benchbed.metrics.contract import Family
from benchbed.rng import stream


def left_in(units: int, fraction: float, draws: int, name: str, seed: int) -> np.ndarray:
    """Which units stay in each re-draw `[draw, unit]`, 1 or 0: all but `round(fraction × units)`, at least one.

    Parameters
    ----------
    units : int
        Clips or recordings; where only one is there it stays.
    fraction : float
        Share that is left out.
    draws : int
        Re-draws.
    name : str
        What is left out of; the same units leave for every model that is scored on it.
    seed : int

    Examples
    --------
    >>> left_in(10, 0.2, 3, "toy", 0).sum(axis=1).tolist()
    [8.0, 8.0, 8.0]
    """
    gone = min(max(round(fraction * units), 1), units - 1)
    kept = np.ones((draws, units))
    for draw in range(draws):
        order = stream("drop", name, seed, units, f"{fraction:g}", draw).permutation(units)
        kept[draw, order[:gone]] = 0.0
    return kept


def figures_without(
    family: Family,
    scores: np.ndarray,
    target: np.ndarray,
    unit: np.ndarray,
    units: int,
    fractions: Sequence[float],
    draws: int,
    names: Collection[str],
    name: str,
    seed: int = 0,
) -> dict[float, dict[str, np.ndarray]]:
    """Share left out → metric → its value in every re-draw.

    Parameters
    ----------
    family : Family
    scores, target : np.ndarray [shape=(clip, …)]
        Answers and references.
    unit : np.ndarray [shape=(clip,), int]
        What each clip disappears with, `0 … units − 1`.
    fractions : sequence of float
    draws : int
    names : collection of str
        Metrics that are asked for.
    name, seed
        As of `left_in`.

    Examples
    --------
    >>> from benchbed.metrics.families.classification import family
    >>> said, right = np.eye(2)[[0, 1, 0, 1]], np.array([0, 1, 1, 1])
    >>> found = figures_without(family(("a", "b")), said, right, np.arange(4), 4, [0.25], 50, ["accuracy"], "toy")
    >>> sorted({round(float(value), 3) for value in found[0.25]["accuracy"]})
    [0.667, 1.0]
    """
    rows = family.grouped(scores, target, unit, units)
    sample = family.sample(scores, target, unit, units)
    found = {}
    for fraction in fractions:
        kept = left_in(units, fraction, draws, name, seed)
        values = family.some_values(kept @ rows, names)
        if sample is not None and not family.ranked.isdisjoint(names):
            values |= {n: v for n, v in sample.scores(kept)[0].items() if n in names}
        found[fraction] = values
    return found
