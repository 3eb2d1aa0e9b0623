"""The contract of a metric family: sufficient statistics per recording group, and values from their sum.

Corpus values, per-device and per-class slices, bootstrap, jackknife, shards and resume are then all sums over rows of
one array, and a thousand bootstrap replicates are one matrix product.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from benchbed.metrics.sample import Sample
from benchbed.stats.jackknife import Jackknife
from benchbed.types import Direction

if TYPE_CHECKING:
    from benchbed.metrics.roc import RocCurve
    from benchbed.metrics.steps import Steps
    from benchbed.metrics.timeline import EventJudge
    from benchbed.outputs.frames.recording import FrameScores


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
    no_interval : str, optional
        Why resampling gives no honest interval of this value, where it does not.
    scope : str
        What the number is about besides the clips of its cell, in words: `mean over 5 folds`, `worst device`.
    """

    title: str
    rule: str
    unit: str
    direction: Direction
    chance: float | None = None
    low: float | None = None
    high: float | None = None
    no_interval: str | None = None
    scope: str = ""


@dataclass(frozen=True)
class LabelledTable:
    """A labelled table of numbers, e.g. a confusion matrix.

    Attributes
    ----------
    rows, columns : tuple of str
        Labels.
    values : np.ndarray [shape=(row, column)]
        Numbers; NaN where there is none.
    row_title, column_title : str
        What rows and columns are.
    unit : str
        Unit of the numbers.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: np.ndarray
    row_title: str
    column_title: str
    unit: str


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
    labels : tuple of str
        Classes, in the order of every per-class array; empty for a family without classes.
    class_metrics : mapping of str to MetricInfo
        Every value that `per_class` yields.
    ranked : frozenset of str
        Metrics, also per class, that are no function of sums: `sample` yields them, `values` gives NaN.
    jackknifed : frozenset of str
        Metrics whose interval over all clips is the jackknife's, because their challenge says so; `jackknives` yields
        it. Comparisons still use the draws of the bootstrap.
    right : str, optional
        Metric that is 1 for a clip that is right and 0 for one that is wrong, where clips are one or the other.
    takes_weak : bool
        References may be tags of some recordings and events of others.
    widths : sequence of int
        Statistics of each of several families scored together; empty for a single one.
    """

    output: str
    metrics: Mapping[str, MetricInfo]
    primary: str
    labels: tuple[str, ...] = ()
    class_metrics: Mapping[str, MetricInfo] = MappingProxyType({})
    ranked: frozenset[str] = frozenset()
    jackknifed: frozenset[str] = frozenset()
    right: str | None = None
    takes_weak: bool = False
    widths: Sequence[int] = ()

    def needed(self, names: Collection[str]) -> np.ndarray | None:
        """Columns of the statistics that these metrics, of cells and of classes, follow from; None for all.

        A family names some only where their sums are whole numbers, which are the same in whatever order they are
        added; of these `values_of_counts` makes the metrics.
        """
        return None

    def values_of_counts(self, counts: np.ndarray, names: Collection[str]) -> dict[str, np.ndarray]:
        """`some_values` of sums of the columns `needed` alone, whose draws come last; the same to the bit.

        Parameters
        ----------
        counts : np.ndarray [shape=(…, needed, draw)]
        names : collection of str
            As they were given to `needed`.

        Returns
        -------
        dict of str to np.ndarray [shape=(…, draw)]
        """
        raise NotImplementedError(f"{type(self).__name__} names needed columns, and makes no metrics of their sums")

    @property
    def whole_numbers(self) -> np.ndarray | None:
        """Columns of the statistics that are whole numbers, the same in whatever order they are added; None: none."""
        return None

    @property
    def undrawn(self) -> np.ndarray:
        """Columns of the statistics from which no figure of a draw follows."""
        return np.zeros(0, np.int64)

    @property
    def parts(self) -> Mapping[str, Family]:
        """The families that are scored together, by what stands before the names of their metrics."""
        return {"": self}

    @property
    def headlines(self) -> list[str]:
        """What ranks by default in each of the families that are scored together."""
        return [prefix + part.primary for prefix, part in self.parts.items()]

    @property
    def judge(self) -> EventJudge | None:
        """What says of single events whether they are right; None where nothing does."""
        return None

    @property
    def curves(self) -> tuple[Hashable, ...] | None:
        """What decisions at a threshold are about, and all but the threshold that makes them right or wrong.

        Families that agree in it share their curves over thresholds; None where no threshold decides.
        """
        return None

    def swept(self, frames: Sequence[FrameScores], target: np.ndarray) -> tuple[Steps, Steps, np.ndarray] | None:
        """Hits and false alarms as functions of the threshold, and references of each class `[class]`.

        None where every threshold takes a count of its own.
        """
        return None

    def tagged(self, scores: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Scores and references of whole clips `[clip, class]`, of a family that decides about those."""
        return None

    def rocs(self, scores: np.ndarray, target: np.ndarray) -> dict[str, RocCurve]:
        """The curve below which each score is the area, by metric; only of those that have one."""
        return {}

    def mapped(self, change: Callable[[Family], Family]) -> Family:
        """The same families, each of them changed."""
        return change(self)

    def context(self, scores: np.ndarray, target: np.ndarray) -> Family:
        """The family for clips that are scored together, told all of them before the first statistics are taken.

        Statistics of a clip may depend on the other clips of its gallery (recall@k, the idf of CIDEr), but then only
        through what is settled here, so that their sums still hold. By default the family itself.
        """
        return self

    def counted_on(self, scores: np.ndarray, target: np.ndarray) -> tuple[Family, np.ndarray, np.ndarray]:
        """The metrics on their own with the clips that they count, for whoever asks another package for the same.

        By default all clips, by the family itself.
        """
        return self, scores, target

    @abstractmethod
    def statistics(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Additive statistics of each clip, `[clip, statistic]` float64."""

    def grouped(self, scores: np.ndarray, target: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
        """Statistics summed over the clips of each group, `[group, statistic]` float64.

        `group` holds one code `0 … groups − 1` per clip. A family with many classes overrides this so that no
        array of clips × statistics is ever made.
        """
        rows = self.statistics(scores, target)
        sums = np.zeros((groups, rows.shape[1]))
        np.add.at(sums, group, rows)
        return sums

    @abstractmethod
    def values(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Metric values from summed statistics `[..., statistic]`, one array `[...]` per metric.

        Vectorised over all leading axes (bootstrap replicates, slices); NaN where a value is undefined.
        """

    def some_values(self, sums: np.ndarray, names: Collection[str]) -> dict[str, np.ndarray]:
        """Those of `values` that are asked for; a family whose values cost much overrides this."""
        return {name: value for name, value in self.values(sums).items() if name in names}

    def some_per_class(self, sums: np.ndarray, names: Collection[str]) -> dict[str, np.ndarray]:
        """Those of `per_class` that are asked for."""
        return {name: value for name, value in self.per_class(sums).items() if name in names}

    def per_class(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Values of each class from summed statistics, one array `[..., class]` per name in `class_metrics`."""
        return {}

    def sample(self, scores: np.ndarray, target: np.ndarray, row: np.ndarray, rows: int) -> Sample | None:
        """The clips themselves, for the `ranked` metrics; None for a family that has none.

        `row` holds one code `0 … rows − 1` per clip, as `group` does in `grouped`.
        """
        return None

    def class_counts(self, sums: np.ndarray) -> np.ndarray:
        """Reference clips of each class, `[..., class]`."""
        return np.zeros((*sums.shape[:-1], len(self.labels)))

    def reasons(self, sums: np.ndarray) -> dict[str, str]:
        """Why a metric is undefined for the statistics `[statistic]`, by metric; silent about defined ones."""
        return {}

    def notes(self, sums: np.ndarray) -> dict[str, str]:
        """What else must be known to read a metric of the statistics `[statistic]`, by metric."""
        return {}

    def jackknives(self, rows: np.ndarray, level: float = 0.95) -> dict[str, Jackknife]:
        """Delete-one-group jackknife of every metric that has one, from the statistics of each recording group."""
        return {}

    def tables(self, scores: np.ndarray, target: np.ndarray, sums: np.ndarray) -> dict[str, LabelledTable]:
        """Tables of a whole cell, from its clips and their summed statistics `[statistic]`."""
        return {}

    def tables_of(
        self, sample: Sample | None, scores: np.ndarray, target: np.ndarray, sums: np.ndarray
    ) -> dict[str, LabelledTable]:
        """The same tables, where the sample of these clips is at hand; it may spare what both are made from."""
        return self.tables(scores, target, sums)
