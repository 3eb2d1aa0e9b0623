"""Sound event detection at the best threshold: what the scores hold when thresholds are chosen with the answers known.

These are figures of the scores, not of a system: a system's thresholds are chosen on other data, see
`benchbed.metrics.thresholds`. Every threshold is tried, by collars, intersections or segments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from benchbed.errors import ConfigError
from benchbed.metrics.contract import LabelledTable, MetricInfo
from benchbed.metrics.sample import Sample
from benchbed.metrics.sed.collar_sweep import collar_sweep
from benchbed.metrics.sed.decision import Median, decision
from benchbed.metrics.sed.detection import OverThresholds, paired
from benchbed.metrics.sed.examples import random_corpus
from benchbed.metrics.sed.flat import FlatEvents, flatten, framed
from benchbed.metrics.sed.intersection import Criteria, joined, sweep
from benchbed.metrics.sed.matching import Collar
from benchbed.metrics.sed.segment_scores import segments
from benchbed.metrics.sed.segments import Grid, by_class, totals
from benchbed.metrics.sed.sweeps import SweepSample
from benchbed.metrics.steps import Steps
from benchbed.outputs.frames.recording import FrameScores

Criterion = Literal["collar", "intersection", "segment"]

#: Rows of the threshold table.
DRAWN = 101


def family(
    labels: Sequence[str],
    *,
    criterion: Criterion = "collar",
    onset_collar: float | None = 0.2,
    offset_collar: float | None = 0.2,
    offset_ratio: float = 0.2,
    dtc: float = 0.5,
    gtc: float = 0.5,
    resolution: float = 1.0,
    median_frames: float | Sequence[float] | None = None,
    median_seconds: float | Sequence[float] | None = None,
) -> BestThreshold:
    """The family for the given classes.

    Parameters
    ----------
    labels : sequence of str
        Class names, in the dataset's order.
    criterion : {"collar", "intersection", "segment"}
        What a hit is; each uses its own of the options below.
    onset_collar, offset_collar, offset_ratio
        As in `sed_event`, with optimal matching.
    dtc, gtc
        As in `sed_intersection`.
    resolution : float, default=1.0
        Length of a segment in seconds, which scores the highest of its frames.
    median_frames, median_seconds : float or sequence of float, optional
        Median filter over the scores, one length or one per class.

    Examples
    --------
    >>> family(("dog",)).metrics["best_macro_f1"].rule
    'best_macro_f1:every-threshold:on-200ms:off-200ms-or-20%:optimal'
    """
    median = decision(0.5, median_frames, median_seconds).median
    if criterion == "collar":
        return BestThreshold(tuple(labels), Collar(onset_collar, offset_collar, offset_ratio), median)
    if criterion == "intersection":
        return BestThreshold(tuple(labels), Criteria(dtc, gtc), median)
    if criterion == "segment":
        return BestThreshold(tuple(labels), Grid(resolution), median)
    raise ConfigError(f"unknown criterion '{criterion}'", hint="collar, intersection or segment")


def example(generator: np.random.Generator, clips: int) -> tuple[BestThreshold, np.ndarray, np.ndarray]:
    """A family with random frame scores and references that fit it.

    Examples
    --------
    >>> metrics, scores, target = example(np.random.default_rng(0), 5)
    >>> len(scores), len(target)
    (5, 5)
    """
    made = family(("dog", "rain", "speech"), onset_collar=0.5, offset_collar=0.5)
    return (made, *random_corpus(generator, clips, 3))


class BestThreshold(OverThresholds):
    """Metrics of recordings, from frame scores and reference events, one object per recording."""

    primary = "best_macro_f1"

    def __init__(self, labels: tuple[str, ...], hit: Collar | Criteria | Grid, median: Median | None) -> None:
        super().__init__(labels)
        self.hit, self.median = hit, median
        if isinstance(hit, Grid):
            what = f"every-threshold:segments-{hit.resolution:g}s:max"
        else:
            what = f"every-threshold:{hit.name}" + (":optimal" if isinstance(hit, Collar) else "")
        if median is not None:
            what = f"{what}:{median.name}"

        def share(title: str, name: str) -> MetricInfo:
            return MetricInfo(title, f"{name}:{what}", "fraction", "higher", None, 0.0, 1.0)

        self.metrics = {
            "best_macro_f1": share("Macro F1, best threshold of each class", "best_macro_f1"),
            "best_micro_f1": share("F1, best threshold of each class", "best_micro_f1"),
            "best_common_macro_f1": share("Macro F1, best common threshold", "best_common_macro_f1"),
            "best_common_micro_f1": share("F1, best common threshold", "best_common_micro_f1"),
        }
        self.class_metrics = {
            "best_f1": share("F1, best threshold", "best_f1"),
            "best_threshold": MetricInfo("Best threshold", f"best_threshold:{what}", "score", "higher"),
        }
        self.ranked = frozenset([*self.metrics, *self.class_metrics])

    def counted(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Reference events or segments of each class, and one for the recording."""
        frames, reference = self._checked(scores, target)
        return np.column_stack([self._events(frames, reference), np.ones(len(target))])

    def sample(self, scores: np.ndarray, target: np.ndarray, row: np.ndarray, rows: int) -> SweepSample:
        """The recordings, swept over all thresholds; arguments as in `statistics`."""
        frames, reference = self._checked(scores, target)
        row = np.asarray(row)
        events = np.zeros((rows, len(self.labels)))
        np.add.at(events, row, self._events(frames, reference))
        if self.median is not None:
            frames = [self.median.apply(item) for item in frames]
        return SweepSample(*self._swept(frames, reference), events, row)

    def class_counts(self, sums: np.ndarray) -> np.ndarray:
        """Reference events or segments of each class, `[..., class]`."""
        return sums[..., :-1]

    def reasons(self, sums: np.ndarray) -> dict[str, str]:
        """Why a metric is undefined for the statistics `[statistic]`."""
        why = "a figure over thresholds cannot be had from sums, nor that of a class without references"
        if sums[-1] == 0:
            why = "no recordings"
        elif not sums[:-1].any():
            why = "no reference events"
        return dict.fromkeys(self.ranked, why)

    def tables(self, scores: np.ndarray, target: np.ndarray, sums: np.ndarray) -> dict[str, LabelledTable]:
        """`thresholds`: macro and micro F1 at evenly spaced common thresholds."""
        return self.tables_of(None, scores, target, sums)

    def tables_of(
        self, sample: Sample | None, scores: np.ndarray, target: np.ndarray, sums: np.ndarray
    ) -> dict[str, LabelledTable]:
        """The same, from recordings that were swept."""
        if not len(scores):
            return {}
        grid, zero = np.linspace(0, 1, DRAWN), np.zeros(len(scores), int)
        sample = sample.summed() if isinstance(sample, SweepSample) else self.sample(scores, target, zero, 1)
        values = np.column_stack(sample.common(np.ones(1), grid)[:2])
        names = tuple(f"{x:.2f}" for x in grid)
        return {"thresholds": LabelledTable(names, ("macro F1", "F1"), values, "threshold", "metric", "fraction")}

    def _checked(self, scores: np.ndarray, target: np.ndarray) -> tuple[list[FrameScores], FlatEvents]:
        paired(scores, target)
        classes = len(self.labels)
        events = flatten(target, classes)
        return framed(scores, classes), joined(events, classes) if isinstance(self.hit, Criteria) else events

    def _events(self, frames: list[FrameScores], reference: FlatEvents) -> np.ndarray:
        if not isinstance(self.hit, Grid):
            return reference.counts(len(self.labels))
        ends = np.array([int(item.edges[-1]) for item in frames], np.int64)
        lengths = self.hit.after(np.where(reference.duration >= 0, reference.duration, ends))
        return totals(by_class(reference, self.hit, lengths, len(self.labels)), lengths)

    def _swept(self, frames: list[FrameScores], reference: FlatEvents) -> tuple[Steps, Steps]:
        classes = len(self.labels)
        if isinstance(self.hit, Collar):
            return collar_sweep(frames, reference, classes, self.hit)
        if isinstance(self.hit, Criteria):
            return sweep(frames, reference, classes, self.hit)[:2]
        held = segments(frames, reference, classes, self.hit.resolution)
        both = []
        for chosen in (held.present, ~held.present):
            segment, label = np.nonzero(chosen)
            one = np.ones(len(segment), np.int64)
            both.append(Steps(held.scores[segment, label], held.clip[segment], label, 0 * one, one))
        return both[0], both[1]
