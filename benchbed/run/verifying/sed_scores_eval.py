"""Figures over all thresholds, and intersection-based ones at a given threshold, by sed_scores_eval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from benchbed.metrics.contract import Family
from benchbed.metrics.families.psds import Psds
from benchbed.metrics.families.sed_auc import SegmentRanks
from benchbed.metrics.families.sed_best import BestThreshold
from benchbed.metrics.families.sed_intersection import IntersectionBased
from benchbed.metrics.sed.decision import Decision, Median
from benchbed.metrics.sed.flat import flatten, framed
from benchbed.metrics.sed.intersection import Criteria, references
from benchbed.metrics.sed.matching import Collar
from benchbed.outputs.frames.recording import SECOND, Events, FrameScores
from benchbed.run.verifying.agreement import Agreement, Ask, Asked, NotComparable

if TYPE_CHECKING:
    import pandas as pd

PACKAGE = "sed_scores_eval"
#: By name of a recording: scores over time, `(onset, offset, label)` of events, seconds.
Detections = dict[str, "pd.DataFrame"]
Truth = dict[str, list[tuple[float, float, str]]]
Lengths = dict[str, float]


def covers(family: Family) -> Ask | None:
    """How the package is asked about a family, or None if it has no such figures."""
    # A subclass has a rule of its own.
    if type(family) is IntersectionBased:
        return partial(intersection, family)
    if type(family) is Psds:
        return partial(psds, family)
    if type(family) is BestThreshold:
        return partial(best, family)
    if type(family) is SegmentRanks:
        return partial(ranks, family)
    return None


def _frames(part: Family, scores: np.ndarray, target: np.ndarray, *, join: bool) -> tuple[Detections, Truth, Lengths]:
    # Scores, references and durations as sed_scores_eval takes them.
    from sed_scores_eval.base_modules.scores import create_score_dataframe

    labels = list(part.labels)
    reference = flatten(references(target) if join else target, len(labels))
    order = np.lexsort((reference.onset, reference.label, reference.clip))
    sorted_ = reference.only(order)
    next_ = (sorted_.clip[1:] == sorted_.clip[:-1]) & (sorted_.label[1:] == sorted_.label[:-1])
    if (next_ & (sorted_.onset[1:] <= sorted_.offset[:-1])).any():
        raise NotComparable("refuses events of a class that touch")
    frames = framed(scores, len(labels))
    if any(not len(item) for item in frames):
        raise NotComparable("refuses recordings without frames")
    detections: Detections = {}
    truth: Truth = {str(i): [] for i in range(len(frames))}
    lengths: Lengths = {}
    for i, item in enumerate(frames):
        median = _filter(part)
        filtered = item if median is None else median.apply(item)
        detections[str(i)] = create_score_dataframe(
            np.asarray(filtered.scores, np.float64), item.edges / SECOND, labels
        )
        known = reference.duration[i]
        lengths[str(i)] = float(known if known >= 0 else item.edges[-1]) / SECOND
    for clip, onset, offset, label in zip(reference.clip, reference.onset, reference.offset, reference.label):
        truth[str(clip)].append((float(onset / SECOND), float(offset / SECOND), labels[label]))
    return detections, truth, lengths


def _filter(part: Family) -> Median | None:
    """The one median filter of a family over all thresholds, or None."""
    filters = getattr(part, "filters", (getattr(part, "median", None),))
    if len(filters) > 1:
        raise NotComparable("is not asked about scores that are independent of post-processing")
    median: Median | None = filters[0]
    return median


def _referenced(part: Family, scores: np.ndarray, target: np.ndarray) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Classes that have reference events, and scores and references of those alone."""
    labels, held = _held(part.labels, target)
    frames = framed(scores, len(part.labels))
    some, truth = np.empty(len(frames), object), np.empty(len(frames), object)
    number = np.full(len(part.labels), -1)
    number[held] = np.arange(len(held))
    for i, item in enumerate(frames):
        some[i] = FrameScores(item.scores[:, held], item.edges)
        truth[i] = Events(target[i].onset, target[i].offset, number[target[i].label], target[i].duration)
    return labels, some, truth


def _held(labels: tuple[str, ...], target: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    """Names and numbers of the classes that have reference events."""
    held = np.flatnonzero(flatten(target, len(labels)).counts(len(labels)).sum(axis=0))
    return tuple(labels[c] for c in held), held


def _swept(part: Family, scores: np.ndarray, target: np.ndarray) -> dict[str, np.ndarray]:
    sample = part.sample(scores, target, np.zeros(len(target), int), 1)
    assert sample is not None
    return sample.scores(np.ones((1, 1)))[0]


def psds(part: Psds, scores: np.ndarray, target: np.ndarray, recorded: Mapping[str, float | None]) -> Asked:
    """The score of every scenario; there every class counts, with references or without."""
    if part.thresholds is not None:
        raise NotComparable("has no rule for listed thresholds")
    if any(scenario.alpha_ct and scenario.ct_mean == "C" for scenario in part.scenarios.values()):
        raise NotComparable("averages cross-triggers over the other classes only")
    from sed_scores_eval import intersection_based

    twins = {name: replace(scenario, classes="all") for name, scenario in part.scenarios.items()}
    ours = _swept(Psds(part.labels, twins, None, part.filters), scores, target)
    frames, truth, lengths = _frames(part, scores, target, join=True)
    for name, scenario in part.scenarios.items():
        limits = scenario.criteria
        value = intersection_based.psds(
            frames,
            truth,
            lengths,
            dtc_threshold=limits.dtc,
            gtc_threshold=limits.gtc,
            cttc_threshold=limits.cttc,
            alpha_ct=scenario.alpha_ct,
            alpha_st=scenario.alpha_st,
            max_efpr=scenario.max_efpr,
        )[0]
        yield Agreement(name, recorded.get(name), float(ours[name][0]), float(value))


def best(part: BestThreshold, scores: np.ndarray, target: np.ndarray, recorded: Mapping[str, float | None]) -> Asked:
    """The mean over classes of the F1 at the best threshold of each."""
    from sed_scores_eval import collar_based, intersection_based, segment_based

    if not flatten(target, len(part.labels)).counts(len(part.labels)).sum(axis=0).all():
        raise NotComparable("has no F1 for classes without references")
    made, truth, lengths = _frames(part, scores, target, join=isinstance(part.hit, Criteria))
    if isinstance(part.hit, Collar):
        if part.hit.onset is None or part.hit.offset is None:
            raise NotComparable("needs collars on onsets and offsets")
        found = collar_based.best_fscore(
            made, truth, onset_collar=part.hit.onset, offset_collar=part.hit.offset, offset_collar_rate=part.hit.ratio
        )[0]
    elif isinstance(part.hit, Criteria):
        found = intersection_based.best_fscore(made, truth, dtc_threshold=part.hit.dtc, gtc_threshold=part.hit.gtc)[0]
    else:
        found = segment_based.best_fscore(made, truth, lengths, segment_length=part.hit.resolution)[0]
    ours = _swept(part, scores, target)
    yield Agreement(
        "best_macro_f1", recorded.get("best_macro_f1"), float(ours["best_macro_f1"][0]), float(found["macro_average"])
    )


def ranks(part: SegmentRanks, scores: np.ndarray, target: np.ndarray, recorded: Mapping[str, float | None]) -> Asked:
    """Mean areas under the ROC curves of segments, of the classes that have references.

    Below the package's own curves: `staircase_auc` of 0.0.4 sorts their points once more, by the false positive rate
    alone and not stably, so that with some numpy on some CPUs (2.2.6 with AVX-512) a lower one of several points at one
    rate stands for it.
    """
    from sed_scores_eval import segment_based

    if part.pool != "max":
        raise NotComparable("scores segments by their highest frame")
    labels, scores, target = _referenced(part, scores, target)
    twin = SegmentRanks(labels, part.resolution, part.max_fpr, "staircase", "max")
    ours = _swept(twin, scores, target)
    made, truth, lengths = _frames(twin, scores, target, join=True)
    for name, limit in (("mauc", None), ("mpauc", part.max_fpr)):
        curves = segment_based.auroc(made, truth, lengths, segment_length=part.resolution, max_fpr=limit)[1]
        area = float(np.mean([_steps(curve[0], curve[1], limit) for curve in curves.values()]))
        yield Agreement(name, recorded.get(name), float(ours[name][0]), area)


def _steps(height: np.ndarray, rate: np.ndarray, limit: float | None) -> float:
    """The area below a curve whose points are in order, each held until the next one, as a share of its width."""
    if limit is None:
        return float(np.sum(height[:-1] * np.diff(rate)))
    within = rate <= limit
    return float(np.sum(height[within] * np.diff(np.append(rate[within], limit)))) / limit


def intersection(
    part: IntersectionBased, scores: np.ndarray, target: np.ndarray, recorded: Mapping[str, float | None]
) -> Asked:
    """F1, precision and recall at the thresholds; false alarms and cross-triggers per hour have no function there."""
    if not all(isinstance(item, FrameScores) for item in scores):
        raise NotComparable("takes frame scores, not lists of events")
    classes = len(part.labels)
    labels, known = _held(part.labels, references(target))
    if not labels:
        raise NotComparable("has no F1 without reference events")
    from sed_scores_eval import intersection_based

    median, limits = part.decision.median, np.broadcast_to(np.array(part.decision.thresholds), classes)
    filtered = scores.copy()
    for i, item in enumerate(scores):
        filtered[i] = item if median is None else median.apply(item)
    _, some, truth = _referenced(part, filtered, references(target))
    twin = IntersectionBased(labels, part.criteria, Decision(tuple(limits[known])))
    frames, events, _ = _frames(twin, some, truth, join=False)
    # There a score must exceed its threshold, here it must reach it.
    below = {name: float(np.nextafter(limit, -np.inf)) for name, limit in zip(labels, limits[known])}
    f1, precision, recall, _ = intersection_based.fscore(
        frames, events, below, dtc_threshold=part.criteria.dtc, gtc_threshold=part.criteria.gtc
    )
    theirs = {
        "macro_f1": f1["macro_average"],
        "micro_f1": f1["micro_average"],
        "micro_precision": precision["micro_average"],
        "micro_recall": recall["micro_average"],
    }
    # The family's own counts, filter and thresholds included, of the classes that have references.
    sums = part.statistics(scores, target).sum(axis=0)
    counts = sums[: 4 * classes].reshape(4, classes)[:, known]
    ours = twin.values(np.append(counts.ravel(), sums[4 * classes]))
    why = dict.fromkeys(theirs, "")
    if len(known) < classes:
        why["micro_f1"] = why["micro_precision"] = "classes without references are left out"
    if np.isnan(ours["micro_precision"]):
        ours["micro_precision"] = np.zeros(())
        why["micro_precision"] = "precision without detections is zero"
    for name, value in theirs.items():
        yield Agreement(name, recorded.get(name), float(ours[name]), float(value), why[name])
