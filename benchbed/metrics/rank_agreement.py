"""Whether average precision and the area under the ROC curve tell the same of one ranking.

Two models of the same mAP can rank very differently: of two that reach .411 on AudioSet, one has a mean AUC of .971 and
the other one of .837, with classes below chance. d′ states an AUC as the distance of two normal distributions of equal
spread, in standard deviations (T. D. Wickens: Elementary Signal Detection Theory, 2002); at a known share of positives
such a pair has an average precision, too, so that a distance can be read from either figure. Published taggers of
AudioSet agree within a fifth of a standard deviation, and the one above is off by more than one.
"""

from __future__ import annotations

import numpy as np

#: Standard deviations between the two distances, above which the figures are said to disagree.
LIMIT = 1.0
#: Recall steps of the integral.
STEPS = 2000


def normal_ap(distance: float, prevalence: float) -> float:
    """Average precision of two unit normals.

    Parameters
    ----------
    distance : float
        How far the scores of positives lie above those of negatives, in standard deviations.
    prevalence : float
        Share of positives, in 0…1.

    Examples
    --------
    >>> round(normal_ap(0.0, 0.1), 4), round(normal_ap(2.67, 0.004826), 2)
    (0.1, 0.44)
    """
    from scipy.special import ndtr, ndtri

    recall = (np.arange(STEPS) + 0.5) / STEPS
    false = ndtr(-(distance + ndtri(1 - recall)))
    return float((prevalence * recall / (prevalence * recall + (1 - prevalence) * false)).mean())


def d_prime_of_ap(ap: float, prevalence: float) -> float:
    """The distance of two unit normals with this average precision, between -8 and 10 standard deviations.

    Parameters
    ----------
    ap : float
        Average precision, or the mean over classes.
    prevalence : float
        Share of positives, or its mean.

    Examples
    --------
    >>> round(d_prime_of_ap(0.43, 0.004826), 1)
    2.6
    """
    low, high = -8.0, 10.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if normal_ap(middle, prevalence) < ap else (low, middle)
    return low


def disagreement(ap: float, auc: float, prevalence: float) -> float:
    """d′ of an average precision less d′ of an AUC, in standard deviations; NaN where either is infinite.

    Above zero the first of a ranking are better than all of it, below zero worse.

    Examples
    --------
    >>> [round(disagreement(0.411, auc, 0.004826), 1) for auc in (0.971, 0.837)]
    [-0.1, 1.2]
    """
    from scipy.special import ndtri

    if not (0 < ap < 1 and 0 < auc < 1 and 0 < prevalence < 1):
        return float("nan")
    return d_prime_of_ap(ap, prevalence) - float(np.sqrt(2) * ndtri(auc))
