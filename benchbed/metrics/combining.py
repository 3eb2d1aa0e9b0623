"""Answers to several clips as one: what a recording is, by what was said about its parts."""

from __future__ import annotations

from typing import Literal

import numpy as np

#: How the answers of clips become one.
Rule = Literal["mean", "log_mean", "vote"]

#: Probabilities below this, as a saturated softmax gives them, count as this: one clip alone is to rule nothing out.
LEAST = 1e-12


def combined(scores: np.ndarray, code: np.ndarray, count: int, rule: Rule, *, exclusive: bool) -> np.ndarray:
    """One row of scores for each group of clips.

    Parameters
    ----------
    scores : np.ndarray [shape=(clip, class)]
        Probabilities.
    code : np.ndarray [shape=(clip,), int]
        Group of each clip, `0 … count − 1`; none is empty.
    count : int
        Groups.
    rule : {"mean", "log_mean", "vote"}
        `mean`: the mean of the probabilities, which for one class per clip decides as their sum does. `log_mean`: the
        mean of the logarithms, normalised: a softmax over classes that exclude each other, else a sigmoid of the mean
        log odds (the geometric and the logarithmic opinion pool; Genest and Zidek 1986, Statistical Science 1:1).
        `vote`: the share of clips whose highest class it is, (votes + mean probability) / (clips + 1), in which the
        mean orders equal votes and nothing else.
    exclusive : bool
        One class is right, and scores sum to one.

    Returns
    -------
    np.ndarray [shape=(group, class), float64]

    Examples
    --------
    >>> said = np.array([[0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    >>> together = np.zeros(3, int)
    >>> combined(said, together, 1, "mean", exclusive=True).round(3).tolist()
    [[0.567, 0.433]]
    >>> combined(said, together, 1, "vote", exclusive=True).round(3).tolist()
    [[0.392, 0.608]]
    """
    given = np.asarray(scores, np.float64)
    size = np.bincount(code, minlength=count)[:, None]
    if rule == "mean":
        return _summed(given, code, count) / size
    if rule == "vote":
        votes = np.zeros_like(given)
        votes[np.arange(len(given)), given.argmax(axis=1)] = 1.0
        return (_summed(votes, code, count) + _summed(given, code, count) / size) / (size + 1)
    if not exclusive:
        odds = _summed(np.log(np.maximum(given, LEAST)) - np.log(np.maximum(1 - given, LEAST)), code, count) / size
        return 1 / (1 + np.exp(-odds))
    logs = _summed(np.log(np.maximum(given, LEAST)), code, count) / size
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def _summed(rows: np.ndarray, code: np.ndarray, count: int) -> np.ndarray:
    sums = np.zeros((count, rows.shape[1]))
    np.add.at(sums, code, rows)
    return sums
