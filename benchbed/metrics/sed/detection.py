"""What the families of sound event detection share: recordings as objects, and statistics from pairs of them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import numpy as np

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics.contract import Family, Sample
from benchbed.metrics.sed.decision import Decision
from benchbed.outputs.frames.recording import Events, FrameScores

#: Why lists of events have no figure over thresholds.
NO_SCORES = "the answers are lists of events, and this needs scores of every moment"


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

    def context(self, scores: np.ndarray, target: np.ndarray) -> Family:
        """The family with the rule that lists of events are scored by, if the answers are lists."""
        lists, confident = listed(scores)
        return self.for_lists(confident) if lists else self

    @abstractmethod
    def for_lists(self, confident: bool) -> Family:
        """The family for lists of events, with or without confidences."""

    def undefined(self, sums: np.ndarray, why: str) -> dict[str, str]:
        """The reason for every metric that has no value for the statistics `[statistic]`."""
        values = {**self.values(sums), **self.per_class(sums)}
        return {name: why for name, value in values.items() if np.isnan(value).any()}


def listed(scores: np.ndarray) -> tuple[bool, bool]:
    """Whether answers are lists of events, and whether these have confidences.

    Examples
    --------
    >>> one = np.empty(1, object)
    >>> one[0] = Events(np.array([0]), np.array([1]), np.array([0]), confidence=np.array([0.5]))
    >>> listed(one)
    (True, True)
    """
    lists = [one for one in scores if isinstance(one, Events)]
    return bool(lists), any(one.confidence is not None for one in lists)


class Decided(Detection):
    """Metrics of events that are there or not."""

    decision: Decision

    def for_lists(self, confident: bool) -> Family:
        """The same metrics by a rule that names no filter, and no threshold that chose nothing."""
        return self.deciding(self.decision.of_lists(confident))

    @abstractmethod
    def deciding(self, decided: Decision) -> Decided:
        """The same metrics with another way from answers to events."""


class OverThresholds(Detection):
    """Metrics over all thresholds, none of which is a function of sums."""

    def for_lists(self, confident: bool) -> Family:
        """The same metrics without figures, and the reason why."""
        return Unscored(self)

    def values(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """NaN for every metric."""
        return dict.fromkeys(self.metrics, np.full(sums.shape[:-1], np.nan))

    def per_class(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """NaN for every metric of every class."""
        return dict.fromkeys(self.class_metrics, np.full((*sums.shape[:-1], len(self.labels)), np.nan))


class Unscored(Detection):
    """Metrics over all thresholds of answers that have no scores: sums of the references, and no figures.

    Parameters
    ----------
    inner : OverThresholds
        The metrics.
    """

    def __init__(self, inner: OverThresholds) -> None:
        super().__init__(inner.labels)
        self.inner, self.primary, self.ranked = inner, inner.primary, inner.ranked
        self.metrics, self.class_metrics = inner.metrics, inner.class_metrics

    def counted(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """What the inner family counts in references; a frame without scores ends each recording."""
        blank = np.empty(len(scores), object)
        for place, (output, reference) in enumerate(zip(scores, target)):
            blank[place] = FrameScores(np.zeros((1, len(self.labels))), np.array([0, _end(output, reference)]))
        return self.inner.counted(blank, target)

    def sample(self, scores: np.ndarray, target: np.ndarray, row: np.ndarray, rows: int) -> Sample:
        """No figures, whatever is drawn."""
        return _Nothing(self.metrics, self.class_metrics, len(self.labels))

    def for_lists(self, confident: bool) -> Family:
        return self

    def values(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """NaN for every metric."""
        return self.inner.values(sums)

    def per_class(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """NaN for every metric of every class."""
        return self.inner.per_class(sums)

    def class_counts(self, sums: np.ndarray) -> np.ndarray:
        """Those of the inner family."""
        return self.inner.class_counts(sums)

    def reasons(self, sums: np.ndarray) -> dict[str, str]:
        """Why there are no figures."""
        return dict.fromkeys([*self.metrics, *self.class_metrics], NO_SCORES)


class _Nothing(Sample):
    """NaN for every metric."""

    def __init__(self, metrics: Mapping[str, object], class_metrics: Mapping[str, object], classes: int) -> None:
        self.names, self.class_names, self.classes = list(metrics), list(class_metrics), classes

    def scores(self, weights: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        draws = len(weights)
        return (
            dict.fromkeys(self.names, np.full(draws, np.nan)),
            dict.fromkeys(self.class_names, np.full((draws, self.classes), np.nan)),
        )


def _end(output: object, reference: object) -> int:
    known = getattr(reference, "duration", None) or getattr(output, "duration", None)
    ends = [int(one.offset.max(initial=0)) for one in (output, reference) if isinstance(one, Events)]
    return max(1, int(known) if known is not None else max(ends, default=0))
