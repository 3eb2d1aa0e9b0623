"""Whether a wake word was said: F1 of one class, also as if it were said in half of the clips.

F1 of a rare word depends on how rare it is in the test set. `balanced_f1` gives both sides the same weight, as test
sets of as many clips with the word as without do on average: with recall r and false alarm rate a it is
2r / (1 + r + a).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchbed.errors import CannotMeasure, ConfigError, did_you_mean
from benchbed.metrics.contract import Family, LabelledTable, MetricInfo
from benchbed.metrics.ratios import ratio


def family(labels: Sequence[str], *, keyword: str = "", threshold: float | None = None) -> WakeWord:
    """The family for a word among the given classes.

    Parameters
    ----------
    labels : sequence of str
        Classes, in the dataset's order; all but the word are its opposite.
    keyword : str, optional
        The word; the first class by default.
    threshold : float, optional
        The word was heard where its probability is at least this; by default where no other class is more probable.

    Raises
    ------
    ConfigError
        No such class, or fewer than two.

    Examples
    --------
    >>> made = family(("marvin", "_unknown_"))
    >>> scores, target = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.1, 0.9]]), np.array([0, 1, 1, 1])
    >>> values = made.values(made.statistics(scores, target).sum(axis=0))
    >>> round(float(values["f1"]), 3), round(float(values["balanced_f1"]), 3)
    (0.667, 0.857)
    """
    return WakeWord(tuple(labels), keyword, threshold)


def example(generator: np.random.Generator, clips: int) -> tuple[WakeWord, np.ndarray, np.ndarray]:
    """A family with random scores and references that fit it.

    Examples
    --------
    >>> metrics, scores, target = example(np.random.default_rng(0), 4)
    >>> scores.shape, target.shape
    ((4, 3), (4,))
    """
    made = family(("marvin", "sheila", "noise"))
    return made, generator.dirichlet(np.full(3, 0.5), clips), generator.integers(0, 3, clips)


class WakeWord(Family):
    """Metrics of one word, from probabilities `[clip, class]` and class numbers `[clip]`.

    Statistics of a clip are whether it is a hit, a miss, a false alarm or a rejection.
    """

    output = "scene"
    primary = "balanced_f1"

    def __init__(self, labels: tuple[str, ...], keyword: str = "", threshold: float | None = None) -> None:
        if len(labels) < 2:
            raise ConfigError("a wake word is one of two classes at least")
        if keyword and keyword not in labels:
            raise ConfigError(f"there is no class '{keyword}'", hint=did_you_mean(keyword, labels))
        if threshold is not None and not 0 < threshold < 1:
            raise ConfigError(f"a threshold of {threshold:g}", hint="a probability between 0 and 1")
        self.labels = labels
        self.word = labels.index(keyword) if keyword else 0
        self.threshold = threshold
        how = "argmax" if threshold is None else f"threshold-{threshold:g}"

        def info(title: str, name: str, lower: bool = False) -> MetricInfo:
            rule = f"{name}:{labels[self.word]}:{how}"
            return MetricInfo(title, rule, "fraction", "lower" if lower else "higher", None, 0.0, 1.0)

        self.metrics = {
            "balanced_f1": info("Balanced F1", "balanced_f1"),
            "f1": info("F1", "f1"),
            "precision": info("Precision", "precision"),
            "recall": info("Recall", "recall"),
            "false_alarm_rate": info("False alarm rate", "false_alarm_rate", lower=True),
        }
        self.class_metrics = {"class_recall": info("Recall", "recall-of-class")}

    def statistics(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Hit, miss, false alarm, rejection `[clip, 4]`."""
        given = np.asarray(scores, np.float64)
        if given.ndim != 2 or given.shape[1] < len(self.labels) or not np.isfinite(given).all():
            raise CannotMeasure(f"scores of the shape {given.shape} are none of {len(self.labels)} classes")
        mine = given[:, self.word]
        heard = given.argmax(axis=1) == self.word if self.threshold is None else mine >= self.threshold
        said = np.asarray(target) == self.word
        return np.stack([said & heard, said & ~heard, ~said & heard, ~said & ~heard], axis=1).astype(np.float64)

    @property
    def whole_numbers(self) -> np.ndarray:
        """All statistics are counts."""
        return np.arange(4)

    def values(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Values from counts `[..., 4]`."""
        hit, miss, false, rejected = (sums[..., at] for at in range(4))
        recall, alarms = ratio(hit, hit + miss), ratio(false, false + rejected)
        return {
            "balanced_f1": 2 * recall / (1 + recall + alarms),
            "f1": ratio(2 * hit, 2 * hit + miss + false),
            "precision": ratio(hit, hit + false),
            "recall": recall,
            "false_alarm_rate": alarms,
        }

    def per_class(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Recall of the word, and, where there are two classes, of its opposite `[..., class]`."""
        recall = np.full((*sums.shape[:-1], len(self.labels)), np.nan)
        recall[..., self.word] = ratio(sums[..., 0], sums[..., 0] + sums[..., 1])
        if len(self.labels) == 2:
            recall[..., 1 - self.word] = ratio(sums[..., 3], sums[..., 2] + sums[..., 3])
        return {"class_recall": recall}

    def class_counts(self, sums: np.ndarray) -> np.ndarray:
        """Clips of the word, `[..., class]`; all others stand under the first other class."""
        counts = np.zeros((*sums.shape[:-1], len(self.labels)))
        counts[..., self.word] = sums[..., 0] + sums[..., 1]
        counts[..., 1 if self.word == 0 else 0] = sums[..., 2] + sums[..., 3]
        return counts

    def reasons(self, sums: np.ndarray) -> dict[str, str]:
        """Why a metric is undefined for the counts `[4]`."""
        hit, miss, false, rejected = sums
        found: dict[str, str] = {}
        if hit + miss == 0:
            found |= dict.fromkeys(("recall", "balanced_f1"), "no clip holds the word")
        if false + rejected == 0:
            found |= dict.fromkeys(("false_alarm_rate", "balanced_f1"), "every clip holds the word")
        if hit + false == 0:
            found["precision"] = "the word was never heard"
        if hit + miss + false == 0:
            found["f1"] = "the word was neither said nor heard"
        return found

    def tables(self, scores: np.ndarray, target: np.ndarray, sums: np.ndarray) -> dict[str, LabelledTable]:
        """Counts of what was said and heard."""
        names = (self.labels[self.word], "not")
        counts = np.array([[sums[0], sums[1]], [sums[2], sums[3]]])
        return {"confusion": LabelledTable(names, names, counts, "said", "heard", "clips")}
