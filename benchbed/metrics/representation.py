"""What embeddings use of their space: spread, redundancy, effective rank, and whether they have collapsed.

Networks that learn from two views of one sound can agree by saying the same of everything. VICReg (Bardes, Ponce and
LeCun, ICLR 2022) measures that by the deviation of each feature and the covariance between features; the effective
rank (Roy and Vetterli, EUSIPCO 2007) says over how many directions the spread is shared out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchbed.errors import CannotMeasure

#: Deviation of a feature below which VICReg counts it as short of spread, and what it adds to a variance.
TARGET, EPSILON = 1.0, 1e-4


@dataclass(frozen=True)
class Representation:
    """Measures of embeddings.

    Attributes
    ----------
    variance : float
        VICReg's hinge, mean over features of max(0, 1 − deviation): 0 where all have at least deviation 1.
    covariance : float
        Sum of squared covariances between features, over the number of features.
    effective_rank : float
        Exponential of the entropy of the shares of the singular values, from 1 to the number of features.
    dead : float
        Share of features with a deviation under a hundredth of the largest.
    collapsed : bool
        Whether the effective rank is below 2, or all features are dead.
    """

    variance: float
    covariance: float
    effective_rank: float
    dead: float
    collapsed: bool


def representation(embeddings: np.ndarray) -> Representation:
    """Measure embeddings `[clip, feature]`.

    Raises
    ------
    CannotMeasure
        Fewer than two clips, or values that are not finite.

    Examples
    --------
    >>> found = representation(np.eye(4))
    >>> round(found.effective_rank, 3), found.collapsed
    (3.0, False)
    >>> representation(np.ones((5, 3))).collapsed
    True
    """
    values = np.asarray(embeddings, np.float64)
    if values.ndim != 2 or len(values) < 2 or values.shape[1] < 1:
        raise CannotMeasure(f"embeddings of shape {list(values.shape)}", hint="[clip, feature], of two clips or more")
    if not np.isfinite(values).all():
        raise CannotMeasure("embeddings that are not finite")
    centred = values - values.mean(axis=0)
    scatter = centred.T @ centred / (len(values) - 1)
    deviation = np.sqrt(np.diag(scatter) + EPSILON)
    off = scatter - np.diag(np.diag(scatter))
    singular = np.linalg.svd(centred, compute_uv=False)
    spread = singular.sum()
    # Rounding alone is no spread.
    flat = spread <= 1e-10 * max(1.0, float(np.abs(values).max())) * len(values)
    share = singular[singular > 0] / spread if not flat else np.ones(1)
    rank = float(np.exp(-(share * np.log(share)).sum()))
    plain = np.sqrt(np.diag(scatter))
    dead = 1.0 if flat else float((plain < 0.01 * plain.max()).mean())
    return Representation(
        variance=float(np.maximum(0.0, TARGET - deviation).mean()),
        covariance=float((off**2).sum() / values.shape[1]),
        effective_rank=rank,
        dead=dead,
        collapsed=bool(flat or rank < 2),
    )
