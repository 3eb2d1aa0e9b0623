"""Ranks of relevant items among all items of a gallery, by one stated rule for ties."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

#: `behind`: a relevant item stands behind all others with its score, so that a system that says the same of everything
#: gains nothing; `ahead`: before them; `order`: as items stand in the gallery, which sorting functions do.
Ties = Literal["behind", "ahead", "order"]
TIES: tuple[str, ...] = get_args(Ties)
#: What average precision is divided by: all `relevant` items; no more of them than fit in the list (`cut`); or the
#: `first` relevant item alone counts, so that it is the reciprocal rank.
Divisor = Literal["relevant", "cut", "first"]
DIVISORS: tuple[str, ...] = get_args(Divisor)
#: `any`: one relevant item among the first k is a hit; `share`: the share of relevant items among them.
Recall = Literal["any", "share"]
RECALLS: tuple[str, ...] = get_args(Recall)


def ranks(scores: np.ndarray, relevant: np.ndarray, ties: Ties = "behind") -> np.ndarray:
    """Rank of each relevant item, counted from 1, in increasing order [shape=(relevant,), float64].

    An item of score −∞ is in no list and has the rank ∞.

    Parameters
    ----------
    scores : np.ndarray [shape=(item,)]
        The higher, the earlier; no NaN.
    relevant : np.ndarray [shape=(relevant,), int]
        Which items are relevant.
    ties : {"behind", "ahead", "order"}
        Where a relevant item stands among others of its score.

    Examples
    --------
    >>> ranks(np.array([0.9, 0.5, 0.5, 0.1]), np.array([2, 0])).tolist()
    [1.0, 3.0]
    >>> ranks(np.zeros(4), np.array([1]), "ahead").tolist(), ranks(np.zeros(4), np.array([1]), "order").tolist()
    ([1.0], [2.0])
    """
    own = scores[relevant]
    if ties == "order":
        order = np.argsort(-scores, kind="stable")
        place = np.empty(len(scores), np.int64)
        place[order] = np.arange(1, len(scores) + 1)
        found = place[relevant].astype(np.float64)
    else:
        # Counting passes over the items are faster than sorting them for the few that are relevant.
        own = -np.sort(-own)
        beyond = np.greater_equal if ties == "behind" else np.greater
        above = [np.count_nonzero(beyond(scores, one)) - np.count_nonzero(beyond(own, one)) for one in own]
        found = np.array(above, np.float64) + np.arange(1.0, len(own) + 1)
    found[np.isneginf(own)] = np.inf
    return np.sort(found)


def average_precision(found: np.ndarray, k: int, divisor: Divisor = "relevant") -> float:
    """Average precision of a list cut at k, from the ranks of the relevant items in increasing order.

    Parameters
    ----------
    found : np.ndarray [shape=(relevant,)]
        Ranks, as `ranks` gives them; at least one.
    k : int
        Length of the list.
    divisor : {"relevant", "cut", "first"}
        What the sum of precisions is divided by.

    Examples
    --------
    >>> one = np.array([2.0, 4.0, 20.0])
    >>> [round(average_precision(one, 10, divisor), 4) for divisor in ("relevant", "cut", "first")]
    [0.3333, 0.3333, 0.5]
    """
    if divisor == "first":
        return float(1 / found[0]) if found[0] <= k else 0.0
    listed = found[found <= k]
    total = float((np.arange(1, len(listed) + 1) / listed).sum())
    return total / (len(found) if divisor == "relevant" else min(len(found), k))


def recall(found: np.ndarray, k: int, rule: Recall = "any") -> float:
    """Recall of a list cut at k.

    Examples
    --------
    >>> recall(np.array([2.0, 7.0]), 5), recall(np.array([2.0, 7.0]), 5, "share")
    (1.0, 0.5)
    """
    hits = found <= k
    return float(hits[0]) if rule == "any" else float(hits.mean())
