"""Counts as step functions of the threshold: where they change, and by how much."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

#: Bins of scores in which changes are counted before any is sorted.
BINS = 1024


@dataclass(frozen=True)
class Steps:
    """Changes of counts as the threshold falls to a score.

    Attributes
    ----------
    score : np.ndarray [shape=(change,)]
        The score.
    clip, label : np.ndarray [shape=(change,), int64]
        Recording and class.
    kind : np.ndarray [shape=(change,), int64]
        For cross-triggers, the class triggered on.
    amount : np.ndarray [shape=(change,), int64]
        Change of the count.
    """

    score: np.ndarray
    clip: np.ndarray
    label: np.ndarray
    kind: np.ndarray
    amount: np.ndarray

    @staticmethod
    def join(parts: Sequence[tuple[np.ndarray, ...]]) -> Steps:
        """Changes of several blocks."""
        empty = (np.zeros(0), *(np.zeros(0, np.int64) for _ in range(4)))
        return Steps(*(np.concatenate(column) for column in zip(empty, *parts)))

    def only(self, chosen: np.ndarray) -> Steps:
        """The chosen changes, by mask."""
        kept = np.flatnonzero(chosen)
        return Steps(*(getattr(self, name)[kept] for name in ("score", "clip", "label", "kind", "amount")))

    def negative(self) -> Steps:
        """The same changes the other way."""
        return Steps(self.score, self.clip, self.label, self.kind, -self.amount)


def beyond(score: np.ndarray, amount: np.ndarray, most: float) -> float:
    """A threshold at which a count is above some number, as it is at all lower ones; −inf if none is found.

    Changes are counted in bins of scores, which costs a tenth of sorting them.

    Parameters
    ----------
    score : np.ndarray [shape=(change,)]
        The threshold at which the count changes as it falls.
    amount : np.ndarray [shape=(change,)]
        By how much.
    most : float
        What the count may be, not negative.

    Examples
    --------
    >>> score = np.linspace(1, 0, 2000)
    >>> found = beyond(score, np.ones(2000), 100)
    >>> bool(found < score[100]), bool(found > score[110])
    (True, True)
    """
    high, low = (score.max(), score.min()) if len(score) else (0.0, 0.0)
    # Scores that differ by so little that nothing divides by it are not told apart by bins.
    if not BINS / sys.float_info.max < high - low < math.inf:
        return -math.inf
    place = ((high - score) * ((BINS - 1) / (high - low))).astype(np.int32)
    net = np.bincount(place, weights=amount, minlength=BINS)
    gone = np.bincount(place, weights=np.minimum(amount, 0), minlength=BINS)
    least = np.cumsum(net) - net + gone
    few = np.flatnonzero(least <= most * (1 + 1e-9))
    above = score[place > few[-1]]
    return float(above.max()) if len(above) else -math.inf


def by_class(steps: Steps, classes: int) -> list[Steps]:
    """The changes of each class."""
    order = stable_order(steps.label)
    edges = np.searchsorted(steps.label[order], np.arange(classes + 1))
    columns = [getattr(steps, n)[order] for n in ("score", "clip", "label", "kind", "amount")]
    return [Steps(*(column[edges[c] : edges[c + 1]] for column in columns)) for c in range(classes)]


def stable_order(numbers: np.ndarray) -> np.ndarray:
    """Order of whole numbers, equal ones as they come; those that span less than 2¹⁶ take one pass and no comparisons.

    Examples
    --------
    >>> stable_order(np.array([70_001, 70_000, 70_001])).tolist()
    [1, 0, 2]
    """
    if not len(numbers):
        return np.zeros(0, np.int64)
    low = numbers.min()
    small = numbers.max() - low < 2**16
    return np.argsort((numbers - low).astype(np.uint16) if small else numbers, kind="stable")


def falling_order(scores: np.ndarray) -> np.ndarray:
    """Order of scores from the highest down, equal ones as they come.

    The quick sort of today's processors leaves equal scores in no order; putting them right is one more of whole
    numbers, and both take a third of what a stable sort takes.

    Examples
    --------
    >>> falling_order(np.array([0.1, 0.7, 0.1, 0.9])).tolist()
    [3, 1, 0, 2]
    """
    order = np.argsort(-scores)
    if len(order) < 2:
        return order
    ordered = scores[order]
    before = np.concatenate([[0], np.cumsum(ordered[1:] != ordered[:-1])]) * len(order)
    order += before
    order.sort()
    return np.asarray(order - before)


def crossings(
    target: np.ndarray,
    high: np.ndarray,
    low: np.ndarray,
    amount: np.ndarray,
    holds: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where a condition on a sum over detected events begins and ends to hold, for many targets.

    Parameters
    ----------
    target : np.ndarray [shape=(part,), int64]
        What each part belongs to.
    high, low : np.ndarray [shape=(part,)]
        The part counts for thresholds above `low` up to and including `high`.
    amount : np.ndarray [shape=(part,), int64]
        What it adds to its target's sum.
    holds : callable
        From sums and targets to whether the condition holds; not for a sum of zero.

    Returns
    -------
    tuple of np.ndarray [shape=(change,)]
        Score, target, and 1 where the condition begins to hold as the threshold falls, −1 where it ends.

    Examples
    --------
    >>> one = np.array([0, 0]), np.array([0.9, 0.4]), np.array([0.6, 0.2]), np.array([1, 1])
    >>> [x.tolist() for x in crossings(*one, lambda total, target: total > 0)]
    [[0.9, 0.6, 0.4, 0.2], [0, 0, 0, 0], [1, -1, 1, -1]]
    """
    score = np.concatenate([high, low])
    target, amount = np.concatenate([target, target]), np.concatenate([amount, -amount])
    finite = np.isfinite(score)
    score, target, amount = score[finite], target[finite], amount[finite]
    # Equal scores of a target count at once, so that their order does not matter.
    order = np.argsort(-score)
    order = order[stable_order(target[order])]
    score, target, amount = score[order], target[order], amount[order]
    if not len(score):
        return np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64)
    last = np.ones(len(score), bool)
    last[:-1] = (score[1:] != score[:-1]) | (target[1:] != target[:-1])
    total = np.cumsum(amount)
    begins = np.ones(len(score), bool)
    begins[1:] = target[1:] != target[:-1]
    starts = np.flatnonzero(begins)
    base = np.repeat(total[starts] - amount[starts], np.diff(np.append(starts, len(score))))
    total, score, target = (total - base)[last], score[last], target[last]
    state = holds(total, target).astype(np.int64)
    before = np.zeros_like(state)
    before[1:] = np.where(target[1:] == target[:-1], state[:-1], 0)
    change = np.flatnonzero(state != before)
    return score[change], target[change], (state - before)[change]
