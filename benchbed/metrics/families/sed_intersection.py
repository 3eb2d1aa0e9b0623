"""Intersection-based sound event detection at a fixed threshold: F1 with tolerance criteria, and cross-triggers.

Precision is over found reference events and irrelevant detections, recall over reference events, as in psds_eval and
sed_scores_eval; overlapping events of a class are joined first, on both sides, which psds_eval refuses to do. psds_eval
0.3.0 gives wrong figures where the index of a table repeats (79.5 % in the DCASE 2021 baseline, 64.1 % in 2022).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np

from benchbed.metrics.contract import MetricInfo
from benchbed.metrics.ratios import ratio
from benchbed.metrics.sed.decision import Decision, decision
from benchbed.metrics.sed.detection import Decided
from benchbed.metrics.sed.examples import random_corpus
from benchbed.metrics.sed.flat import answers, flatten
from benchbed.metrics.sed.intersection import Criteria, detected, joined, sweep
from benchbed.metrics.sed.psds import HOUR
from benchbed.metrics.steps import Steps
from benchbed.outputs.frames.recording import FrameScores


def family(
    labels: Sequence[str],
    *,
    dtc: float = 0.5,
    gtc: float = 0.5,
    cttc: float = 0.3,
    threshold: float | Sequence[float] = 0.5,
    median_frames: float | Sequence[float] | None = None,
    median_seconds: float | Sequence[float] | None = None,
) -> IntersectionBased:
    """The family for the given classes.

    Parameters
    ----------
    labels : sequence of str
        Class names, in the dataset's order.
    dtc, gtc, cttc : float, default=0.5, 0.5, 0.3
        Detection tolerance, ground-truth intersection and cross-trigger tolerance criteria.
    threshold : float or sequence of float, default=0.5
        From frame scores to events, one or one per class; lists of events need none.
    median_frames, median_seconds : float or sequence of float, optional
        Median filter over the scores before the threshold, one length or one per class.

    Examples
    --------
    >>> family(("dog",)).metrics["macro_f1"].rule
    'macro_f1:dtc-0.5:gtc-0.5:cttc-0.3:at-least-0.5'
    """
    return IntersectionBased(
        tuple(labels), Criteria(dtc, gtc, cttc), decision(threshold, median_frames, median_seconds)
    )


def example(generator: np.random.Generator, clips: int) -> tuple[IntersectionBased, np.ndarray, np.ndarray]:
    """A family with random frame scores and references that fit it.

    Examples
    --------
    >>> metrics, scores, target = example(np.random.default_rng(0), 5)
    >>> len(scores), len(target)
    (5, 5)
    """
    return (family(("dog", "rain", "speech")), *random_corpus(generator, clips, 3))


class IntersectionBased(Decided):
    """Metrics of recordings, from detected events or frame scores and reference events, one object per recording."""

    primary = "macro_f1"

    def __init__(self, labels: tuple[str, ...], criteria: Criteria, decided: Decision) -> None:
        super().__init__(labels)
        self.criteria, self.decision = criteria, decided
        what = f"{criteria.name}:{decided.name}"

        def share(title: str, name: str) -> MetricInfo:
            return MetricInfo(title, f"{name}:{what}", "fraction", "higher", None, 0.0, 1.0)

        def rate(title: str, name: str) -> MetricInfo:
            return MetricInfo(title, f"{name}:{what}", "events per hour", "lower", None, 0.0, None)

        self.metrics = {
            "macro_f1": share("Macro F1", "macro_f1"),
            "micro_f1": share("F1", "micro_f1"),
            "micro_precision": share("Precision", "micro_precision"),
            "micro_recall": share("Recall", "micro_recall"),
            "false_alarms": rate("False alarms", "false_alarms"),
            "cross_triggers": rate("Cross-triggers", "cross_triggers"),
        }
        self.class_metrics = {
            "f1": share("F1", "f1"),
            "precision": share("Precision", "precision"),
            "recall": share("Recall", "recall"),
            "false_alarms": rate("False alarms", "false_alarms"),
            "cross_triggers": rate("Cross-triggers", "cross_triggers"),
        }

    def deciding(self, decided: Decision) -> IntersectionBased:
        return IntersectionBased(self.labels, self.criteria, decided)

    @property
    def curves(self) -> tuple[Hashable, ...]:
        """By intersection."""
        return "events by intersection", self.criteria, self.decision.median

    def swept(self, frames: Sequence[FrameScores], target: np.ndarray) -> tuple[Steps, Steps, np.ndarray]:
        """Every threshold at once."""
        classes = len(self.labels)
        reference = joined(flatten(target, classes), classes)
        hits, false, _ = sweep(frames, reference, classes, self.criteria)
        return hits, false, reference.counts(classes).sum(axis=0)

    def counted(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Found events, false alarms, reference events and cross-triggers of each class, and hours."""
        classes, clips = len(self.labels), len(target)
        reference = joined(flatten(target, classes), classes)
        output = joined(answers(scores, self.decision, classes), classes)
        hit, false, cross = detected(output, reference, classes, self.criteria)
        last = np.zeros(clips, np.int64)
        for events in (reference, output):
            np.maximum.at(last, events.clip, events.offset)
        hours = np.where(reference.duration >= 0, reference.duration, last)[:, None] / HOUR
        return np.concatenate([hit, false, reference.counts(classes), cross, hours], axis=1)

    def values(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Every metric from summed statistics `[..., statistic]`; NaN without recordings."""
        hit, false, reference, cross, hours = self._parts(sums)
        f1 = np.where(reference > 0, self.per_class(sums)["f1"], np.nan)
        held = ~np.isnan(f1)
        total = [part.sum(axis=-1) for part in (hit, false, reference, cross)]
        return {
            "macro_f1": ratio(np.where(held, f1, 0.0).sum(axis=-1), held.sum(axis=-1)),
            "micro_f1": ratio(2 * total[0], total[0] + total[1] + total[2]),
            "micro_precision": ratio(total[0], total[0] + total[1]),
            "micro_recall": ratio(total[0], total[2]),
            "false_alarms": ratio(total[1], hours),
            "cross_triggers": ratio(total[3], hours),
        }

    def per_class(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Values of each class, `[..., class]`."""
        hit, false, reference, cross, hours = self._parts(sums)
        return {
            "f1": ratio(2 * hit, hit + false + reference),
            "precision": ratio(hit, hit + false),
            "recall": ratio(hit, reference),
            "false_alarms": ratio(false, hours[..., None]),
            "cross_triggers": ratio(cross, hours[..., None]),
        }

    def class_counts(self, sums: np.ndarray) -> np.ndarray:
        """Reference events of each class, `[..., class]`."""
        return self._parts(sums)[2]

    def reasons(self, sums: np.ndarray) -> dict[str, str]:
        """Why a metric is undefined for the statistics `[statistic]`."""
        why = "no reference events" if not self.class_counts(sums).any() else "neither references nor detections"
        return self.undefined(sums, why)

    def _parts(self, sums: np.ndarray) -> tuple[np.ndarray, ...]:
        n = len(self.labels)
        return (*(sums[..., i * n : (i + 1) * n] for i in range(4)), sums[..., 4 * n])
