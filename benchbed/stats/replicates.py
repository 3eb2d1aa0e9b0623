"""A value with its replicates, as intervals and tests of it ask for them: those that are defined, in order, their bias.

Two models differ by a value that has an interval, two tails and a size from which it would be called; all of these
begin with the same thousand draws in order.
"""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np


class Replicates:
    """Replicates of a value; what is made of them is made once, and nobody may change it.

    Parameters
    ----------
    values : np.ndarray [shape=(draw,)]
        The value in every draw; NaN where it is undefined, infinite where it lies beyond what was measured.
    value : float, optional
        The value itself.

    Examples
    --------
    >>> Replicates(np.array([0.6, np.nan, 0.2, 0.4])).ordered.tolist()
    [0.2, 0.4, 0.6]
    """

    def __init__(self, values: np.ndarray, value: float | None = None) -> None:
        self.values, self.value = values, value

    @classmethod
    def of(cls, drawn: np.ndarray | Replicates, value: float | None = None) -> Replicates:
        """Replicates that somebody made before, or of draws and their value."""
        return drawn if isinstance(drawn, Replicates) else cls(drawn, value)

    @cached_property
    def defined(self) -> np.ndarray:
        """Those that are no NaN, in the order of the draws."""
        return self.values[~np.isnan(self.values)]

    @cached_property
    def ordered(self) -> np.ndarray:
        """Those that are no NaN, from the smallest to the largest."""
        return np.sort(self.defined)

    @cached_property
    def largest(self) -> float:
        """The largest size of a finite one; zero where there is none."""
        return float(np.abs(self.defined[np.isfinite(self.defined)]).max(initial=0.0))

    @cached_property
    def bias(self) -> float:
        """Their mean less the value, as far as it is more than chance of the draws (two standard errors).

        The outer draws count as the ends of the middle 95 %, so that a ratio whose denominator comes near zero in a few
        draws does not move the rest. Where such an end is infinite there is no mean, and the bias is taken for zero, as
        where the value is infinite or not said.

        Examples
        --------
        >>> round(Replicates(np.append(np.linspace(0.4, 0.6, 999), 1e9), 0.45).bias, 3)
        0.046
        """
        if self.value is None or not math.isfinite(self.value):
            return 0.0
        low, high = quantile(self.ordered, 0.025), quantile(self.ordered, 0.975)
        if not (math.isfinite(low) and math.isfinite(high)):
            return 0.0
        middle, draws = np.minimum(np.maximum(self.ordered, low), high), len(self.ordered)
        # Mean and standard deviation as numpy has them, without what its calls cost on a thousand numbers.
        mean = np.add.reduce(middle) / draws
        away = middle - mean
        found = float(mean) - self.value
        chance = 2 * math.sqrt(np.add.reduce(away * away) / draws) / math.sqrt(draws)
        return math.copysign(max(abs(found) - chance, 0.0), found)


def quantile(ordered: np.ndarray, share: float) -> float:
    """The number below which a share of sorted draws lies.

    The share s of B draws is the draw number s·(B + 1), as for a permutation test (Davison and Hinkley 1997, section
    5.2.3): numpy's `weibull`. The linear rule, s·(B − 1) + 1, leaves two more draws out and covers 0.4 % too little
    with 500.

    Parameters
    ----------
    ordered : np.ndarray [shape=(draw,)]
        From the smallest to the largest.
    share : float
        Between 0 and 1.

    Examples
    --------
    >>> quantile(np.arange(1.0, 100.0), 0.975)
    97.5
    """
    # Written out because the values are sorted already, and numpy's own call costs more than the sorting.
    last = len(ordered) - 1
    place = min(max(share * (last + 2) - 1, 0.0), float(last))
    left = math.floor(place)
    low, high = float(ordered[left]), float(ordered[min(left + 1, last)])
    if math.isinf(low) or math.isinf(high):
        # Between a number and infinity there is nothing to interpolate: the nearer of the two counts.
        return low if place - left < 0.5 else high
    return low + (place - left) * (high - low)
