"""Medians of ranks under many weightings of rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from benchbed.metrics.contract import Sample


class Medians(Sample):
    """Ranks of items, each of a row.

    Parameters
    ----------
    ranks : mapping of str to sequence of (float, int)
        Metric → rank of each item, and its row; ∞ where the rank is not known but for being the last.

    Examples
    --------
    >>> made = Medians({"rank": [(1.0, 0), (4.0, 1), (9.0, 2)]})
    >>> made.scores(np.array([[1, 1, 1], [1, 1, 0], [0, 0, 2]]))[0]["rank"].tolist()
    [4.0, 2.5, 9.0]
    """

    def __init__(self, ranks: Mapping[str, Sequence[tuple[float, int]]]) -> None:
        self._sorted: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for name, pairs in ranks.items():
            values = np.array([rank for rank, _ in pairs], np.float64)
            rows = np.array([row for _, row in pairs], np.int64)
            order = np.argsort(values, kind="stable")
            self._sorted[name] = values[order], rows[order]

    def scores(self, weights: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """The median of every metric `[draw]`, the mean of the two in the middle; NaN where there is none."""
        return {name: _median(*held, np.asarray(weights)) for name, held in self._sorted.items()}, {}


def _median(values: np.ndarray, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    if not len(values):
        return np.full(len(weights), np.nan)
    middle = np.empty(len(weights))
    for draw, each in enumerate(weights):
        running = np.cumsum(each[rows], dtype=np.float64)
        half = running[-1] / 2
        if not half:
            middle[draw] = np.nan
            continue
        low = values[np.searchsorted(running, half, "left")]
        high = values[min(np.searchsorted(running, half, "right"), len(values) - 1)]
        middle[draw] = (low + high) / 2
    return np.where(np.isfinite(middle), middle, np.nan)
