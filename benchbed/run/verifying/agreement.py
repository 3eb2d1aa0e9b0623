"""One figure from two programs, and what it takes to say that they agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

#: Largest difference that counts as the same number.
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Agreement:
    """One figure from two programs.

    Attributes
    ----------
    metric : str
        Name of the metric in the record.
    recorded : float or None
        The recorded value.
    ours : float
        What benchbed computes by the package's rule.
    theirs : float
        What the package computes.
    why : str, default=""
        What the package's rule does otherwise than the recorded one, if that is known.
    """

    metric: str
    recorded: float | None
    ours: float
    theirs: float
    why: str = ""

    @property
    def equal(self) -> bool:
        """Whether both compute the same number by the same rule."""
        both = np.array([self.ours, self.theirs])
        return bool(np.isnan(both).all() or abs(self.ours - self.theirs) <= TOLERANCE * max(1.0, abs(self.theirs)))

    @property
    def recorded_differs(self) -> bool:
        """Whether the recorded value, by its own rule, is another number."""
        if self.recorded is None or np.isnan(self.theirs):
            return not (self.recorded is None and np.isnan(self.theirs))
        return abs(self.recorded - self.theirs) > TOLERANCE * max(1.0, abs(self.theirs))


class NotComparable(Exception):
    """The package has no rule for this."""


Asked = Iterator[Agreement]
#: `(scores, target, recorded) → figures`, about one family.
Ask = Callable[[np.ndarray, np.ndarray, Mapping[str, float | None]], Asked]
