"""Which threshold of each class is best on some clips, and which of several filters before it.

Every threshold that can be the best is looked at, so the answer is exact and needs no random order. With the macro F1
in mind each class chooses for itself. The micro F1 is a ratio of sums over classes; its best thresholds are found by
Dinkelbach's iteration, in which every class maximises `2·hits − λ·(hits + false alarms)` and λ is the F1 reached so far
(W. Dinkelbach, Management Science 13(7), 1967). Going through classes one at a time until nothing improves can stop
below that. For the micro F1 it can be best that a class is never output: its threshold is then just above its scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchbed.errors import CannotMeasure
from benchbed.metrics.sed.sweeps import SweepSample, f1
from benchbed.metrics.steps import Steps

Average = Literal["macro", "micro"]


@dataclass(frozen=True)
class ChosenThresholds:
    """The best thresholds.

    Attributes
    ----------
    thresholds : np.ndarray [shape=(class,)]
        NaN for a class without references, if every class has its own.
    candidate : np.ndarray [shape=(class,), int]
        Which of the samples, that is, of the filters.
    class_f1 : np.ndarray [shape=(class,)]
        F1 of each class there; NaN without references.
    reached : float
        Macro or micro F1 there; NaN without any reference.
    """

    thresholds: np.ndarray
    candidate: np.ndarray
    class_f1: np.ndarray
    reached: float


def choose(samples: Sequence[SweepSample], *, average: Average = "macro", per_class: bool = True) -> ChosenThresholds:
    """The best threshold of each class, or the best one of all.

    Parameters
    ----------
    samples : sequence of SweepSample
        The same clips, once for each filter that may come before the threshold.
    average : {"macro", "micro"}
        The F1 that is to be high: the mean over classes with references, or that of their summed counts.
    per_class : bool
        One threshold and filter for each class, or one for all. A common one also decides about classes without
        references, whose false alarms then count in the micro F1.

    Returns
    -------
    ChosenThresholds
        Of thresholds that decide alike on these clips the middle: at an end of them, a score a little lower or higher
        would turn the decision. Of others that are equally good, those of the highest, which output least; of equally
        good filters the first.

    Examples
    --------
    >>> made = tag_sweep(np.array([[0.9, 0.3], [0.4, 0.2], [0.2, 0.6]]), np.array([[1, 0], [1, 0], [0, 1]]))
    >>> choose([made]).thresholds.tolist(), choose([made], per_class=False).thresholds.tolist()
    ([0.3, 0.4], [0.35, 0.35])
    """
    if not per_class:
        return _common(samples, average)
    events = samples[0].events
    present = [int(c) for c in np.flatnonzero(events > 0)]
    # A class's thresholds from the highest down, of the first filter, then of the next.
    points = {
        c: [np.concatenate(column) for column in zip(*(_points(s, c, i) for i, s in enumerate(samples)))]
        for c in present
    }
    known = [c for c in present if len(points[c][0])]
    picked = {c: int(f1(points[c][1], points[c][2], events[c]).argmax()) for c in known}
    if average == "micro":
        for c in known:
            nothing = (samples[0].silent(c), 0.0, 0.0, 0)
            points[c] = [np.append(column, value) for column, value in zip(points[c], nothing)]
        picked = _best_sum(points, events[present].sum(), picked)
    count = len(events)
    thresholds, candidate, each = np.full(count, np.nan), np.zeros(count, np.int64), np.full(count, np.nan)
    each[present] = 0.0
    for c, at in picked.items():
        at_highest, hits, false, which = (column[at] for column in points[c])
        # A class that is not output at all stays just above its scores.
        thresholds[c] = samples[which].middle(float(at_highest), c) if hits or false else at_highest
        candidate[c] = which
        each[c] = f1(points[c][1][at], points[c][2][at], events[c])
    return ChosenThresholds(thresholds, candidate, each, _reached(points, picked, events, present, each, average))


def tag_sweep(scores: np.ndarray, target: np.ndarray) -> SweepSample:
    """Tags of clips as a sweep over thresholds.

    Parameters
    ----------
    scores : np.ndarray [shape=(clip, class)]
        Finite scores.
    target : np.ndarray [shape=(clip, class)]
        1 present, 0 absent, NaN unknown.

    Raises
    ------
    CannotMeasure
        Wrong shapes, or scores that are not finite.
    """
    scores, target = np.asarray(scores, np.float64), np.asarray(target, np.float64)
    if scores.shape != target.shape or scores.ndim != 2:
        raise CannotMeasure(f"scores {list(scores.shape)}, references {list(target.shape)}")
    if not np.isfinite(scores).all():
        raise CannotMeasure("scores are not finite")
    both = []
    for chosen in (target > 0.5, target <= 0.5):
        clip, label = np.nonzero(chosen)
        one = np.ones(len(clip), np.int64)
        both.append(Steps(scores[clip, label], 0 * clip, label, 0 * one, one))
    positives = (target > 0.5).sum(axis=0, dtype=np.float64)[None]
    return SweepSample(both[0], both[1], positives, np.zeros(1, np.int64))


def _points(sample: SweepSample, label: int, number: int) -> tuple[np.ndarray, ...]:
    thresholds, hits, false = sample.points(label)
    return thresholds, hits, false, np.full(len(thresholds), number)


def _best_sum(points: dict[int, list[np.ndarray]], events: float, picked: dict[int, int]) -> dict[int, int]:
    """Points whose summed counts have the highest F1, from any others."""
    while True:
        ratio = _sum_f1(points, picked, events)
        better = {c: int((2 * p[1] - ratio * (p[1] + p[2])).argmax()) for c, p in points.items() if len(p[0])}
        if _sum_f1(points, better, events) <= ratio:
            return picked
        picked = better


def _sum_f1(points: dict[int, list[np.ndarray]], picked: dict[int, int], events: float) -> float:
    hits, false = (np.array(sum(points[c][column][at] for c, at in picked.items())) for column in (1, 2))
    return float(f1(hits, false, events))


def _reached(
    points: dict[int, list[np.ndarray]],
    picked: dict[int, int],
    events: np.ndarray,
    held: list[int],
    each: np.ndarray,
    average: Average,
) -> float:
    if not len(held):
        return float("nan")
    if average == "macro":
        return float(each[held].mean())
    return _sum_f1(points, picked, events[held].sum())


def _common(samples: Sequence[SweepSample], average: Average) -> ChosenThresholds:
    events = samples[0].events
    count, held = len(events), events > 0
    best = (-1.0, float("nan"), 0)
    for number, sample in enumerate(samples):
        macro, micro, at = sample.common(np.ones(sample.rows))
        values = macro if average == "macro" else micro
        if held.any() and len(values) and values.max() > best[0]:
            place = int(values.argmax())
            best = float(values[place]), float(at[place]), number
    reached, threshold, number = best
    each = np.full(count, np.nan)
    for c in np.flatnonzero(held & ~np.isnan(threshold)):
        _, hits, false = samples[number].points(int(c), np.array([threshold]))
        each[c] = f1(hits, false, events[c])[0]
    if not np.isnan(threshold):
        threshold = samples[number].middle(threshold)
    return ChosenThresholds(
        np.full(count, threshold), np.full(count, number), each, reached if reached >= 0 else float("nan")
    )
