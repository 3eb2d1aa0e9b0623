"""The curve below which a score over thresholds is the area."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

#: Rates of false positives, and at each the ratio of true positives, or how much that rises there.
Line = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class RocCurve:
    """Ratio of true positives against rate of false positives, as steps, with the line of each class.

    Attributes
    ----------
    overall : tuple of np.ndarray [shape=(step,), (step,)]
        False positives per hour where the ratio over all classes changes, and the ratio from there on.
    classes : mapping of int to tuple of np.ndarray [shape=(step,), (step,)]
        Class → the same of that class, with the rise at each place in the stead of the ratio.
    limit : float
        End of the curve, in false positives per hour.
    spread : float
        Weight of the spread over classes, by which the ratio over all is less than the mean.

    Examples
    --------
    >>> rise = np.array([0.0, 10.0]), np.array([0.5, 0.25])
    >>> curve = RocCurve((rise[0], rise[1].cumsum()), {0: rise}, limit=100.0)
    >>> curve.overall[1].tolist()
    [0.5, 0.75]
    """

    overall: Line
    classes: Mapping[int, Line]
    limit: float
    spread: float = 0.0
