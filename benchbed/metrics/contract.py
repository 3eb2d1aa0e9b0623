"""The contract of a metric family: sufficient statistics per recording group, and values from their sum.

Corpus values, per-device and per-class slices, bootstrap, jackknife, shards and resume are then all sums over rows of
one array, and a thousand bootstrap replicates are one matrix product.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchbed.types import Direction


@dataclass(frozen=True)
class MetricInfo:
    """What a number means.

    Attributes
    ----------
    title : str
        The field's own term, for tables.
    rule : str
        Name and version of the rule that made it, e.g. `macro_accuracy:fixed-labels`.
    unit : str
        `fraction`, `nats`, `dB`, … as stored (pages may show fractions as per cent).
    direction : str
        `higher` or `lower` is better.
    chance : float, optional
        Value of a model that guesses, where it is known.
    low, high : float, optional
        Ends of the range of possible values.
    """

    title: str
    rule: str
    unit: str
    direction: Direction
    chance: float | None = None
    low: float | None = None
    high: float | None = None


class Family(ABC):
    """A set of metrics computed from one kind of output by the same statistics.

    Attributes
    ----------
    output : str
        Output kind of the predictions it scores (`scene`, `tags`, `frames`, …).
    metrics : mapping of str to MetricInfo
        Every value the family yields.
    primary : str
        Name of the metric that ranks by default.
    """

    output: str
    metrics: Mapping[str, MetricInfo]
    primary: str

    @abstractmethod
    def statistics(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Additive statistics of each clip, `[clip, statistic]` float64."""

    @abstractmethod
    def values(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Metric values from summed statistics `[..., statistic]`, one array `[...]` per metric.

        Vectorised over all leading axes (bootstrap replicates, slices); NaN where a value is undefined.
        """
