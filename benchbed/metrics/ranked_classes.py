"""Clips sorted by their score for each class, so that average precision, AUC and EER hold under any weighting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchbed.metrics.ranking import Ranking, curves


@dataclass(frozen=True)
class RankFigures:
    """Figures of each class, `[draw, class]`.

    Attributes
    ----------
    ap, auc, eer : np.ndarray [shape=(draw, class)]
        Average precision, area under the ROC curve and equal error rate; NaN where a class lacks positive clips, or
        for the last two negative ones.
    """

    ap: np.ndarray
    auc: np.ndarray
    eer: np.ndarray


class RankedClasses:
    """Every class against all others.

    Parameters
    ----------
    scores : np.ndarray [shape=(clip, class)]
        Finite scores.
    positive, known : np.ndarray [shape=(clip, class), bool]
        Whether a clip is of a class, and whether anybody said so; where nobody did, the clip is left out for it.
    row : np.ndarray [shape=(clip,), int]
        The weight that each clip takes.

    Examples
    --------
    >>> scores, positive = np.array([[0.9], [0.8], [0.1]]), np.array([[True], [False], [True]])
    >>> ranked = RankedClasses(scores, positive, np.ones((3, 1), bool), np.arange(3))
    >>> ranked.figures(np.ones((1, 3))).auc.tolist()
    [[0.5]]
    """

    def __init__(self, scores: np.ndarray, positive: np.ndarray, known: np.ndarray, row: np.ndarray) -> None:
        by_class = np.ascontiguousarray(scores.T), np.ascontiguousarray(positive.T), np.ascontiguousarray(known.T)
        self._classes = [
            Ranking(values, hits, row) if there.all() else Ranking(values[there], hits[there], row[there])
            for values, hits, there in zip(*by_class)
        ]

    def figures(self, weights: np.ndarray) -> RankFigures:
        """Figures of each class for weights `[draw, row]`."""
        ap, auc, eer = np.full((3, len(weights), len(self._classes)), np.nan)
        for block, i, curve in curves(self._classes, weights):
            ap[block, i], auc[block, i] = curve.average_precision(), curve.auc()
            eer[block, i] = curve.equal_error_rate()
        return RankFigures(ap, auc, eer)
