"""Delete-one-group jackknife on sufficient statistics: bias, standard error, Student interval, acceleration.

Valid for smooth values (means, ratios of sums); not for medians, best-threshold scores or areas over thresholds, where
the bootstrap is to be used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Jackknife:
    """What the jackknife says about one value.

    Attributes
    ----------
    estimate : float
        Bias-corrected value.
    bias : float
        Estimated bias of the plain value.
    error : float
        Standard error.
    low, high : float
        Student interval around the bias-corrected value.
    groups : int
        Recording groups that were left out in turn.
    level : float
        Coverage of the interval.
    """

    estimate: float
    bias: float
    error: float
    low: float
    high: float
    groups: int
    level: float

    def describe(self) -> str:
        """The method in words, for the record."""
        return f"jackknife {100 * self.level:g} %, Student's t, {self.groups} groups"


def leave_one_out(sums: np.ndarray, value: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The value without each group in turn, `[group]`.

    Parameters
    ----------
    sums : np.ndarray [shape=(group, statistic)]
        Statistics of each group.
    value : callable
        Statistics `[group, statistic]` to values `[group]`.

    Examples
    --------
    >>> leave_one_out(np.array([[1.0, 1], [3, 1], [5, 1]]), lambda s: s[..., 0] / s[..., 1]).tolist()
    [4.0, 3.0, 2.0]
    """
    return np.asarray(value(sums.sum(axis=0) - sums))


def jackknife(value: float, without: np.ndarray, level: float = 0.95) -> Jackknife:
    """Jackknife of a value, from its values without each group.

    The interval is estimate ± t(n − 1) · error, with error² = (n − 1)/n · Σ (θ₋ᵢ − mean θ₋)² and the estimate
    n·θ − (n − 1)·mean θ₋ (Efron & Stein 1981), the form that the SELD challenges use.

    Parameters
    ----------
    value : float
        The value with all groups.
    without : np.ndarray [shape=(group,)]
        The value without each group.
    level : float, default=0.95
        Coverage of the interval.

    Raises
    ------
    CannotMeasure
        Fewer than two groups, or a value that is undefined without one of them.

    Examples
    --------
    >>> j = jackknife(3.0, np.array([4.0, 3.0, 2.0]))  # the mean of 1, 3, 5: error = sd / sqrt(3)
    >>> round(j.error, 4), round(j.estimate, 4), round(j.high, 3)
    (1.1547, 3.0, 7.968)
    """
    from scipy.special import stdtrit

    from benchbed.errors import CannotMeasure

    count = len(without)
    if count < 2:
        raise CannotMeasure(f"a jackknife needs two recording groups, there are {count}")
    if not (np.isfinite(without).all() and np.isfinite(value)):
        raise CannotMeasure("the value is undefined without one of the recording groups", hint="use the bootstrap")
    mean = float(without.mean())
    error = float(np.sqrt((count - 1) / count * np.sum((without - mean) ** 2)))
    bias = (count - 1) * (mean - value)
    reach = float(stdtrit(count - 1, (1 + level) / 2)) * error
    return Jackknife(value - bias, bias, error, value - bias - reach, value - bias + reach, count, level)


def acceleration(without: np.ndarray) -> float:
    """Acceleration of the BCa bootstrap (Efron 1987), from the values without each group.

    Examples
    --------
    >>> acceleration(np.array([4.0, 3.0, 2.0]))
    0.0
    """
    deviation = np.mean(without) - without
    spread = np.sum(deviation**2)
    return float(np.sum(deviation**3) / (6 * spread**1.5)) if spread > 0 else 0.0
