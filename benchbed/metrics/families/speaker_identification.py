"""Which of a closed set of speakers is talking (VoxCeleb1, LibriSpeech): accuracy, and the equal error rate.

Accuracy is the figure of the benchmark. For the error rate every pair of clip and speaker is a trial, accepted where
the speaker's probability is high enough; it says how well one threshold would serve all speakers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from benchbed.metrics.contract import MetricInfo, Sample
from benchbed.metrics.families.classification import Classification
from benchbed.metrics.ranked_classes import RankedClasses
from benchbed.metrics.ranking import Ranking, curves
from benchbed.metrics.ratios import defined_mean

#: What the family of scenes counts, too, and what is told of speakers.
SHARED, SHARED_OF_CLASS = ("accuracy", "macro_accuracy", "top5_accuracy", "log_loss"), ("recall",)


def family(labels: Sequence[str], *, outside: int = 0, closed_of: int | None = None) -> SpeakerIdentification:
    """The family for the given speakers.

    Parameters
    ----------
    labels : sequence of str
        Speakers, in the dataset's order.
    outside : int, default=0
        Further columns of scores, of speakers that only the model knows; an answer among them is wrong.
    closed_of : int, optional
        Speakers of a model whose scores were cut down to those of the dataset; it is said in every rule.

    Examples
    --------
    >>> made = family(("id10001", "id10002"))
    >>> scores, target = np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([0, 1])
    >>> float(made.values(made.statistics(scores, target).sum(axis=0))["accuracy"])
    0.5
    >>> float(made.sample(scores, target, np.arange(2), 2).scores(np.ones((1, 2)))[0]["eer"][0])
    0.5
    """
    return SpeakerIdentification(tuple(labels), outside, closed_of)


def example(generator: np.random.Generator, clips: int) -> tuple[SpeakerIdentification, np.ndarray, np.ndarray]:
    """A family with random scores and references that fit it.

    Examples
    --------
    >>> metrics, scores, target = example(np.random.default_rng(0), 4)
    >>> scores.shape, target.shape
    ((4, 3), (4,))
    """
    made = family(("id10001", "id10002", "id10003"))
    return made, generator.dirichlet(np.full(3, 0.5), clips), generator.integers(0, 3, clips)


class SpeakerIdentification(Classification):
    """Metrics of clips with one speaker each, from probabilities `[clip, speaker]` and speaker numbers `[clip]`."""

    primary = "accuracy"
    ranked = frozenset({"eer", "macro_eer", "class_eer"})

    def __init__(self, labels: tuple[str, ...], outside: int = 0, closed_of: int | None = None) -> None:
        super().__init__(labels, (5,), 15, outside, closed_of)
        cut = "" if closed_of is None else f":closed-set-{len(labels)}-of-{closed_of}"
        self.metrics = {name: info for name, info in self.metrics.items() if name in SHARED} | {
            "eer": _error("Equal error rate", "eer:all-trials:straight-lines" + cut),
            "macro_eer": _error("Mean equal error rate", "macro_eer:straight-lines:speakers-with-clips" + cut),
        }
        recall = replace(self.class_metrics["recall"], title="Accuracy")
        self.class_metrics = {"recall": recall, "class_eer": _error("Equal error rate", "eer:straight-lines" + cut)}

    def some_values(self, sums: np.ndarray, names: Collection[str]) -> dict[str, np.ndarray]:
        """Those metrics; NaN for the error rates, which `sample` yields."""
        found = super().some_values(sums, [name for name in names if name in SHARED])
        return found | {n: np.full(sums.shape[:-1], np.nan) for n in ("eer", "macro_eer") if n in names}

    def some_per_class(self, sums: np.ndarray, names: Collection[str]) -> dict[str, np.ndarray]:
        """Those values of each speaker; NaN for the error rate."""
        found = super().some_per_class(sums, set(names) - {"class_eer"})
        counts = self.class_counts(sums)
        return found | ({"class_eer": np.full(counts.shape, np.nan)} if "class_eer" in names else {})

    def reasons(self, sums: np.ndarray) -> dict[str, str]:
        """Why a metric is undefined for the statistics `[statistic]`."""
        found = super().reasons(sums)
        counts = self.class_counts(sums)
        if counts.sum() == 0:
            return found
        known = {*self.metrics, *self.class_metrics}
        found = {name: why for name, why in found.items() if name in known}
        ranked = dict.fromkeys(self.ranked, "a rank over clips cannot be had from sums: score the predictions")
        ranked["class_eer"] = "no clips of this speaker, or of no other"
        if (counts > 0).sum() < 2:
            ranked["macro_eer"] = "all clips are of one speaker"
        return found | ranked

    def sample(self, scores: np.ndarray, target: np.ndarray, row: np.ndarray, rows: int) -> Sample:
        """The clips themselves; arguments as in `statistics`."""
        scores, target = self._checked(scores, target)
        count = len(self.labels)
        return _Trials(scores[:, :count], target[:, None] == np.arange(count), np.asarray(row))


class _Trials(Sample):
    """Trials of every clip with every speaker, sorted by score: together, and by speaker."""

    def __init__(self, scores: np.ndarray, same: np.ndarray, row: np.ndarray) -> None:
        self._pooled = Ranking(scores.reshape(-1), same.reshape(-1), np.repeat(row, scores.shape[1]))
        self._ranked = RankedClasses(scores, same, np.ones_like(same), row)

    def scores(self, weights: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Both error rates `[draw]`, and that of each speaker `[draw, class]`."""
        pooled = np.full(len(weights), np.nan)
        for block, _, curve in curves([self._pooled], weights):
            pooled[block] = curve.equal_error_rate()
        single = self._ranked.figures(weights).eer
        return {"eer": pooled, "macro_eer": defined_mean(single)}, {"class_eer": single}


def _error(title: str, rule: str) -> MetricInfo:
    return MetricInfo(title, rule, "fraction", "lower", 0.5, 0.0, 1.0)
