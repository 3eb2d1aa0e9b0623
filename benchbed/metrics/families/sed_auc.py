"""Segments ranked by score: mAUC, mpAUC and mAP, as DCASE 2024 Task 4 ranks on MAESTRO-Real.

The 2024 recipe: labels with a confidence above 0.5 are events (`benchbed.metrics.sed.soft.soft_events`), overlapping
events of a class are joined, outputs of overlapping clips are averaged on segments of one second and laid over whole
files (`laid_over` in the same module), and the partial area up to a false-positive rate of 0.1 is averaged over the
evaluated subset of classes. The subset is the family's labels. sed_scores_eval draws the ROC as a staircase, so
segments of equal score count against the system.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from benchbed.errors import ConfigError
from benchbed.metrics.contract import MetricInfo, Sample
from benchbed.metrics.ranking import Ranking, curves
from benchbed.metrics.ratios import defined_mean
from benchbed.metrics.sed.detection import OverThresholds, paired
from benchbed.metrics.sed.examples import random_corpus
from benchbed.metrics.sed.flat import flatten, framed
from benchbed.metrics.sed.segment_scores import Pool, Segments, segments

Rule = Literal["staircase", "mcclish", "raw"]


def family(
    labels: Sequence[str],
    *,
    resolution: float = 1.0,
    max_fpr: float = 0.1,
    rule: Rule = "staircase",
    pool: Pool = "max",
) -> SegmentRanks:
    """The family for the given classes.

    Parameters
    ----------
    labels : sequence of str
        Class names that are evaluated, in the dataset's order.
    resolution : float, default=1.0
        Length of a segment in seconds.
    max_fpr : float, default=0.1
        End of the partial area.
    rule : {"staircase", "mcclish", "raw"}
        `staircase` as sed_scores_eval draws both areas; with the others, ties count half in the whole area, and the
        partial one is standardised as in scikit-learn, or divided by `max_fpr`.
    pool : {"max", "mean"}
        Score of a segment from those of its frames.

    Examples
    --------
    >>> family(("cutlery",)).metrics["mpauc"].rule
    'mpauc:staircase:max-fpr-0.1:segments-1s:max'
    """
    return SegmentRanks(tuple(labels), resolution, max_fpr, rule, pool)


def example(generator: np.random.Generator, clips: int) -> tuple[SegmentRanks, np.ndarray, np.ndarray]:
    """A family with random frame scores and references that fit it.

    Examples
    --------
    >>> metrics, scores, target = example(np.random.default_rng(0), 5)
    >>> len(scores), len(target)
    (5, 5)
    """
    return (family(("dog", "rain", "speech")), *random_corpus(generator, clips, 3))


class SegmentRanks(OverThresholds):
    """Metrics of recordings, from frame scores and reference events, one object per recording."""

    primary = "mpauc"

    def __init__(self, labels: tuple[str, ...], resolution: float, max_fpr: float, rule: Rule, pool: Pool) -> None:
        super().__init__(labels)
        if not resolution > 0 or not 0 < max_fpr <= 1 or rule not in ("staircase", "mcclish", "raw"):
            raise ConfigError(f"resolution={resolution}, max_fpr={max_fpr}, rule={rule}")
        self.resolution, self.max_fpr, self.rule, self.pool = resolution, max_fpr, rule, pool
        what, area = f"segments-{resolution:g}s:{pool}", "staircase" if rule == "staircase" else "ties-half"

        def share(title: str, name: str, chance: float | None = None) -> MetricInfo:
            return MetricInfo(title, f"{name}:{what}", "fraction", "higher", chance, 0.0, 1.0)

        partial = f"{rule}:max-fpr-{max_fpr:g}"
        self.metrics = {
            "mpauc": share("mpAUC", f"mpauc:{partial}"),
            "mauc": share("mAUC", f"mauc:{area}", 0.5),
            "map": share("mAP", "map:step-sum"),
            "best_macro_f1": share("Macro F1, best threshold of each class", "best_macro_f1:every-threshold"),
        }
        self.class_metrics = {
            "pauc": share("pAUC", f"pauc:{partial}"),
            "auc": share("AUC", f"auc:{area}", 0.5),
            "ap": share("AP", "ap:step-sum"),
            "best_f1": share("F1, best threshold", "best_f1:every-threshold"),
        }
        self.ranked = frozenset([*self.metrics, *self.class_metrics])

    def counted(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Segments with and without each class."""
        held = self._segments(scores, target)
        rows = np.zeros((len(target), 2 * len(self.labels)))
        np.add.at(rows, held.clip, np.concatenate([held.present, ~held.present], axis=1))
        return rows

    def sample(self, scores: np.ndarray, target: np.ndarray, row: np.ndarray, rows: int) -> Sample:
        """The segments, ranked; arguments as in `statistics`."""
        return _Ranked(self._segments(scores, target), np.asarray(row), self.max_fpr, self.rule)

    def class_counts(self, sums: np.ndarray) -> np.ndarray:
        """Segments that hold each class, `[..., class]`."""
        return sums[..., : len(self.labels)]

    def reasons(self, sums: np.ndarray) -> dict[str, str]:
        """Why a metric is undefined for the statistics `[statistic]`."""
        why = "a rank over segments cannot be had from sums, nor that of a class with one kind of segments"
        if not sums.any():
            why = "no segments"
        elif not self.class_counts(sums).any():
            why = "no reference events"
        return dict.fromkeys(self.ranked, why)

    def _segments(self, scores: np.ndarray, target: np.ndarray) -> Segments:
        paired(scores, target)
        classes = len(self.labels)
        return segments(framed(scores, classes), flatten(target, classes), classes, self.resolution, self.pool)


class _Ranked(Sample):
    """Segments sorted by score within each class."""

    def __init__(self, held: Segments, row: np.ndarray, max_fpr: float, rule: Rule) -> None:
        rows = row[held.clip]
        self._classes = [Ranking(held.scores[:, i], held.present[:, i], rows) for i in range(held.scores.shape[1])]
        self._max_fpr, self._rule = max_fpr, rule

    def scores(self, weights: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Means over classes that have both kinds of segments, `[draw]`, and each class, `[draw, class]`."""
        each = {n: np.full((len(weights), len(self._classes)), np.nan) for n in ("pauc", "auc", "ap", "best_f1")}
        for block, i, curve in curves(self._classes, weights):
            each["pauc"][block, i] = curve.partial_auc(self._max_fpr, self._rule)
            whole = curve.partial_auc(1.0, "staircase") if self._rule == "staircase" else curve.auc()
            each["auc"][block, i] = whole
            each["ap"][block, i] = curve.average_precision()
            each["best_f1"][block, i] = curve.best_f1()[0]
        names = {"mpauc": "pauc", "mauc": "auc", "map": "ap", "best_macro_f1": "best_f1"}
        return {name: defined_mean(each[of]) for name, of in names.items()}, each
