"""Change points of a figure over the runs of one model, told from chance and from what a training changes by itself.

Successive runs share their recordings, so most of what one run has wrong the next has wrong, too: the covariance of
their figures comes from bootstrap draws that all of them share. What is left between two runs that nobody changed, a
training's own luck, is estimated from the steps between neighbours, by their median, which a few true changes do not
move. A history is cut where the means before and after differ by more than both allow, at the place of least squares,
and the pieces are cut again (binary segmentation, Scott and Knott 1974, Biometrics 30:507; Page 1954, Biometrika 41).
The p-value of that place, the best of all, is that of histories without change, drawn with the same covariance and
their own estimate of a training's luck, under the amount of luck that makes it largest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchbed.rng import stream

#: Median of a chi-squared variable with one degree of freedom: a normal step's squared size has that median.
_MEDIAN = 0.45493642311957283
#: Runs below which no place can be told from a training's luck.
LEAST = 4


@dataclass(frozen=True)
class ChangePoint:
    """A place where a figure changed.

    Attributes
    ----------
    at : int
        Number of the first run after it.
    before, after : float
        Mean of the runs of the pieces on either side.
    error : float
        Standard error of their difference.
    p : float
        p-value of the best place of its piece.
    """

    at: int
    before: float
    after: float
    error: float
    p: float

    @property
    def difference(self) -> float:
        """After − before."""
        return self.after - self.before


def luck(values: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Variance between runs that nobody changed, beyond that of the recordings, from the steps between neighbours.

    Parameters
    ----------
    values : np.ndarray [shape=(…, run)]
        The figure of every run; several histories at once.
    covariance : np.ndarray [shape=(run, run)]
        Of the figures, by the choice of recordings.

    Returns
    -------
    np.ndarray [shape=(…,)]
        Never below zero.

    Examples
    --------
    >>> float(luck(np.array([0.5, 0.5, 0.5, 0.7, 0.7]), np.zeros((5, 5))))  # one change is no luck
    0.0
    """
    steps = np.diff(values, axis=-1) ** 2
    own = np.diag(covariance)
    sampled = np.median(own[1:] + own[:-1] - 2 * np.diag(covariance, 1))
    return np.maximum(0.0, (np.median(steps, axis=-1) / _MEDIAN - sampled) / 2)


def change_points(
    values: np.ndarray,
    covariance: np.ndarray,
    *,
    alpha: float = 0.05,
    draws: int = 2000,
    seed: int = 0,
    name: str = "history",
) -> tuple[list[ChangePoint], float | None]:
    """Where a history changed.

    Parameters
    ----------
    values : np.ndarray [shape=(run,)]
        The figure of every run, in the order of time.
    covariance : np.ndarray [shape=(run, run)]
        Of the figures, by the choice of recordings.
    alpha : float
        Share of histories without change in which some place is called.
    draws : int
        Histories without change that are drawn.
    seed : int
        Of the draws.
    name : str
        Of the draws, so that two figures have draws of their own.

    Returns
    -------
    points : list of ChangePoint
        In the order of time.
    p : float or None
        p-value that there is none at all; None below four runs.

    Examples
    --------
    >>> steady = np.array([0.7, 0.7, 0.7, 0.7, 0.5, 0.5, 0.5, 0.5]) + 0.001 * np.arange(8) % 0.002
    >>> [point.at for point in change_points(steady, 1e-6 * np.eye(8))[0]]
    [4]
    """
    count = len(values)
    if count < LEAST:
        return [], None
    spread = luck(values, covariance)
    normal = stream("history", name, seed).normal(size=(draws, count))
    nulls = []
    for variance in _lucks(float(spread), covariance):
        null = normal @ _root(covariance + variance * np.eye(count)).T
        nulls.append((null, luck(null, covariance)))
    places: dict[int, float] = {}
    first: float | None = None
    pieces = [(0, count)]
    while pieces:
        start, stop = pieces.pop()
        if stop - start < 2:
            continue
        best, sizes = _most(values[None], np.array([spread]), covariance, start, stop)
        chances = [_most(null, own, covariance, start, stop)[1] for null, own in nulls]
        p = max((1 + int((chance >= sizes[0]).sum())) / (1 + draws) for chance in chances)
        first = p if first is None else first
        # A figure that did not move at all has no place, whatever the draws say.
        if p < alpha and sizes[0] > 0:
            at = int(best[0])
            places[at] = p
            pieces += [(start, at), (at, stop)]
    cuts = [0, *sorted(places), count]
    points = []
    for before, at, after in zip(cuts, cuts[1:], cuts[2:]):
        weights = _weights(count, before, at, after)
        error = float(np.sqrt(weights @ (covariance + spread * np.eye(count)) @ weights))
        left, right = float(values[before:at].mean()), float(values[at:after].mean())
        points.append(ChangePoint(at, left, right, error, places[at]))
    return points, first


def _lucks(spread: float, covariance: np.ndarray) -> list[float]:
    """Variances of a training's luck that histories without change are drawn with; the largest p-value counts.

    A few runs say little about it, and a test that believed its estimate would call twice as often as it says.
    """
    own = np.diag(covariance)
    sampled = float(np.median(own[1:] + own[:-1] - 2 * np.diag(covariance, 1))) / 2
    return sorted({0.0, spread, *(times * max(sampled, 0.0) for times in (0.5, 2.0, 8.0, 50.0))})


def _weights(count: int, start: int, at: int, stop: int) -> np.ndarray:
    """What takes the mean before off the mean after."""
    weights = np.zeros(count)
    weights[start:at], weights[at:stop] = -1 / (at - start), 1 / (stop - at)
    return weights


def _most(
    values: np.ndarray, spread: np.ndarray, covariance: np.ndarray, start: int, stop: int
) -> tuple[np.ndarray, np.ndarray]:
    """The place of a piece of each history that leaves the least squares on either side, and how extreme it is there.

    The place is sought among the figures as they are: what the choice of recordings does to all runs after a change at
    once says nothing about where it was.
    """
    weights = np.stack([_weights(values.shape[1], start, at, stop) for at in range(start + 1, stop)])
    differences = values @ weights.T
    sampled = np.einsum("pi,ij,pj->p", weights, covariance, weights)
    variances = np.maximum(sampled, 0.0) + spread[:, None] * (weights**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        still = np.abs(differences) <= 1e-12 * np.abs(values).max(axis=1, keepdims=True)
        sizes = np.where(still, 0.0, np.abs(differences) / np.sqrt(variances))
    best = (np.abs(differences) / np.sqrt((weights**2).sum(axis=1))).argmax(axis=1)
    return best + start + 1, sizes[np.arange(len(sizes)), best]


def _root(covariance: np.ndarray) -> np.ndarray:
    """A matrix whose product with itself turned over is the covariance, which may be singular."""
    sizes, vectors = np.linalg.eigh(covariance)
    root: np.ndarray = vectors * np.sqrt(np.maximum(sizes, 0.0))
    return root
