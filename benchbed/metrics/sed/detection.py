"""What the families of sound event detection share: recordings as objects, and statistics from pairs of them."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics.contract import Family


def paired(scores: np.ndarray, target: np.ndarray) -> None:
    """Check that there is one output for each recording.

    Raises
    ------
    CannotMeasure
        There are more or fewer.
    """
    if len(scores) != len(target):
        raise CannotMeasure(f"{len(scores)} outputs for {len(target)} recordings")


class Detection(Family):
    """Metrics of recordings, from detected events or frame scores and reference events, one object per recording."""

    output = "frames"

    def __init__(self, labels: tuple[str, ...]) -> None:
        if not labels or len(set(labels)) != len(labels):
            raise ConfigError(f"sound event detection needs different classes, not {list(labels)}")
        self.labels = labels

    def statistics(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Additive statistics of each recording, `[recording, statistic]` float64.

        Parameters
        ----------
        scores : np.ndarray [shape=(recording,), object]
            `Events` or `FrameScores` of each recording; only the latter for metrics over all thresholds.
        target : np.ndarray [shape=(recording,), object]
            Reference `Events` of each recording.

        Raises
        ------
        CannotMeasure
            Something else in the arrays, or another number of classes.
        """
        paired(scores, target)
        return self.counted(scores, target)

    @abstractmethod
    def counted(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """The statistics of as many outputs as recordings."""

    def undefined(self, sums: np.ndarray, why: str) -> dict[str, str]:
        """The reason for every metric that has no value for the statistics `[statistic]`."""
        values = {**self.values(sums), **self.per_class(sums)}
        return {name: why for name, value in values.items() if np.isnan(value).any()}


class OverThresholds(Detection):
    """Metrics over all thresholds, none of which is a function of sums."""

    def values(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """NaN for every metric."""
        return dict.fromkeys(self.metrics, np.full(sums.shape[:-1], np.nan))

    def per_class(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """NaN for every metric of every class."""
        return dict.fromkeys(self.class_metrics, np.full((*sums.shape[:-1], len(self.labels)), np.nan))
