"""The clips of a cell, for metrics that rank them."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np


class Sample(ABC):
    """The clips of a cell, kept for metrics that no sum gives: ranks, and areas over all thresholds.

    A bootstrap draw is a row of weights, so every replicate is exact, and clips are sorted once.

    Examples
    --------
    >>> class Highest(Sample):
    ...     def scores(self, weights):
    ...         return {"highest": (np.array([0.2, 0.9]) * (weights > 0)).max(axis=1)}, {}
    >>> Highest().scores(np.array([[1, 1], [2, 0]]))[0]["highest"].tolist()
    [0.9, 0.2]
    """

    @abstractmethod
    def scores(self, weights: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Values `[draw]` and per-class values `[draw, class]` of the family's `ranked` metrics.

        Parameters
        ----------
        weights : np.ndarray [shape=(draw, row)]
            How often the clips of each row count, from 0 up; whole numbers in a bootstrap.
        """
