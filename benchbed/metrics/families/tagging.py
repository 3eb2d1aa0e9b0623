"""Multi-label tagging: several classes per clip, or none.

Ranks over clips (mAP, mAUC, d′) need the clips themselves and come from `sample`; counts at thresholds, label ranking
and calibration are sums. Classes without positive clips are left out of the rank means and counted in
`class_coverage`: scikit-learn gives such a class an average precision of 0 and an AUC of NaN, and a plain mean of
those says nothing about the model.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import pairwise
from typing import Literal

import numpy as np

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics.at_least import at_least
from benchbed.metrics.contract import Family, LabelledTable, MetricInfo, Sample
from benchbed.metrics.ranked_classes import RankedClasses
from benchbed.metrics.ratios import defined_mean, ratio

Ties = Literal["worst", "order"]


def family(
    labels: Sequence[str],
    *,
    threshold: float | Sequence[float] = 0.5,
    bins: int = 15,
    lwlrap_ties: Ties = "worst",
) -> Tagging:
    """The family for the given classes.

    Parameters
    ----------
    labels : sequence of str
        Class names, in the dataset's order.
    threshold : float or sequence of float, default=0.5
        A class is output where its score is at least this; one number, or one per class, tuned elsewhere and frozen.
    bins : int, default=15
        Equal-width score bins of the calibration error.
    lwlrap_ties : {"worst", "order"}, default="worst"
        Rank of labels with equal scores: all the worst of them, as in scikit-learn, or the later class first, as in
        the code of the DCASE 2019 organisers.

    Examples
    --------
    >>> made = family(("dog", "rain"))
    >>> scores, target = np.array([[0.9, 0.2], [0.4, 0.7]]), np.array([[1, 0], [1, 1]])
    >>> sample = made.sample(scores, target, np.arange(2), 2)
    >>> float(sample.scores(np.ones((1, 2)))[0]["map"][0])
    1.0
    """
    return Tagging(tuple(labels), threshold, bins, lwlrap_ties)


def example(generator: np.random.Generator, clips: int) -> tuple[Tagging, np.ndarray, np.ndarray]:
    """A family with random scores and references that fit it.

    Examples
    --------
    >>> metrics, scores, target = example(np.random.default_rng(0), 5)
    >>> scores.shape, target.shape
    ((5, 3), (5, 3))
    """
    target = (generator.random((clips, 3)) < 0.4).astype(np.float64)
    scores = np.clip(0.3 * target + 0.7 * generator.random((clips, 3)), 0, 1)
    return family(("dog", "rain", "speech")), scores, target


class Tagging(Family):
    """Metrics of clips with any number of classes, from scores and references `[clip, class]`.

    References above 0.5 are positive, so that soft labels can be given; NaN means that nobody said whether the class is
    there, and the clip then does not count for that class.
    """

    output = "tags"
    primary = "map"

    def __init__(
        self, labels: tuple[str, ...], threshold: float | Sequence[float], bins: int, lwlrap_ties: Ties
    ) -> None:
        if not labels or len(set(labels)) != len(labels):
            raise ConfigError(f"tagging needs different classes, not {list(labels)}")
        if bins < 1 or lwlrap_ties not in ("worst", "order"):
            raise ConfigError(f"bins={bins}, lwlrap_ties={lwlrap_ties}", hint="bins from 1 up, ties 'worst' or 'order'")
        limits = np.asarray(threshold, np.float64)
        if limits.ndim > 1 or (limits.ndim == 1 and len(limits) != len(labels)) or not np.isfinite(limits).all():
            raise ConfigError(
                f"thresholds of shape {list(limits.shape)} for {len(labels)} classes", hint="one, or one per class"
            )
        self.labels, self.bins, self.ties = labels, bins, lwlrap_ties
        self.threshold = np.broadcast_to(limits, len(labels))
        count = len(labels)
        names = ("positive", "negative", "hit", "false", "precision", "ranked")
        self._at = {name: slice(i * count, (i + 1) * count) for i, name in enumerate(names)}
        self._clips, self._loss, self._lossy, self._improper = (len(names) * count + i for i in range(4))
        self._bins = slice(self._improper + 1, self._improper + 1 + 3 * bins)
        self._decided = self._bins.stop
        named = f"threshold-{float(limits):g}" if limits.ndim == 0 else "thresholds-per-class"
        self.metrics = _metrics(named, bins, lwlrap_ties)
        self.class_metrics = _class_metrics(named, lwlrap_ties)
        self.ranked = frozenset({"map", "mauc", "d_prime", "d_prime_mean", "macro_eer", "ap", "auc", "eer"})

    @property
    def width(self) -> int:
        """Number of statistics."""
        return self._decided + 1

    @property
    def whole_numbers(self) -> np.ndarray:
        """All but precisions, losses and summed scores."""
        mean = np.arange(self._bins.start + self.bins, self._bins.start + 2 * self.bins)
        return np.setdiff1d(np.arange(self.width), np.r_[self._at["precision"], self._loss, mean])

    @property
    def undrawn(self) -> np.ndarray:
        """Clips without a class, of which figures make nothing, and those that were ranked, which have it."""
        return np.r_[self._at["negative"], self._at["ranked"]]

    def statistics(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Additive statistics of each clip, `[clip, statistic]` float64.

        Parameters
        ----------
        scores : np.ndarray [shape=(clip, class)]
            Finite scores in the order of `labels`; calibration needs them in 0…1.
        target : np.ndarray [shape=(clip, class)]
            1 where the class is present, 0 where it is not, NaN where that is unknown.

        Raises
        ------
        CannotMeasure
            Wrong shapes, or scores that are not finite.
        """
        scores, positive, known = self._checked(scores, target)
        clips = len(scores)
        rows = np.zeros((clips, self.width))
        negative = known & ~positive
        output = at_least(scores, self.threshold)
        sort = _Sorted(scores, positive, known)
        share = sort.precision() if self.ties == "worst" else _precision_in_order(scores, positive, known)
        rows[:, self._at["positive"]] = positive
        rows[:, self._at["negative"]] = negative
        rows[:, self._at["hit"]] = positive & output
        rows[:, self._at["false"]] = negative & output
        rows[:, self._at["precision"]] = share
        rows[:, self._at["ranked"]] = positive
        rows[:, self._clips] = 1
        rows[:, self._loss], rows[:, self._lossy] = sort.loss(negative)
        improper = np.asarray((scores.min(axis=1) < 0) | (scores.max(axis=1) > 1))
        rows[:, self._improper] = improper
        rows[:, self._decided] = ((scores == 0) | (scores == 1)).all(axis=1)
        counted = known & ~improper[:, None]
        value = scores[counted]
        bin_of = np.clip(np.ceil(value * self.bins).astype(np.int64) - 1, 0, self.bins - 1)
        bin_of += np.repeat(np.arange(clips) * self.bins, counted.sum(axis=1))
        for i, weight in enumerate((None, value, positive[counted])):
            sums = np.bincount(bin_of, weight, minlength=clips * self.bins).reshape(clips, self.bins)
            rows[:, self._bins.start + i * self.bins : self._bins.start + (i + 1) * self.bins] = sums
        return rows

    def grouped(self, scores: np.ndarray, target: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
        """Statistics summed over the clips of each group, `[group, statistic]`, never more than 2,000 clips at once."""
        sums = np.zeros((groups, self.width))
        for start in range(0, len(scores), 2000):
            part = slice(start, start + 2000)
            rows, found = np.asarray(group)[part], self.statistics(scores[part], target[part])
            if np.array_equal(rows, np.arange(len(rows)) + rows[0]):
                sums[rows[0] : rows[0] + len(rows)] += found  # a row for each clip, in their order
            else:
                np.add.at(sums, rows, found)
        return sums

    def sample(self, scores: np.ndarray, target: np.ndarray, row: np.ndarray, rows: int) -> Sample:
        """The clips themselves, for metrics that rank clips; arguments as in `statistics`."""
        return _Clips(*self._checked(scores, target), np.asarray(row))

    def values(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Every metric from summed statistics `[..., statistic]`; NaN for those that `sample` yields."""
        positive, _, hit, false, precision, _ = (sums[..., at] for at in self._at.values())
        nowhere = np.full(sums.shape[:-1], np.nan)
        count, mean, share = self._bin_sums(sums)
        proper = np.where((sums[..., self._improper] > 0) | self._of_decisions(sums), np.nan, 1.0)
        f1 = self.per_class(sums)["f1"]
        present = positive.sum(axis=-1) > 0
        covered = (positive > 0).mean(axis=-1)
        micro = ratio(2 * hit.sum(axis=-1), (positive + hit + false).sum(axis=-1))
        return {
            **dict.fromkeys(("map", "mauc", "d_prime", "d_prime_mean", "macro_eer"), nowhere),
            "micro_f1": np.where(present, micro, np.nan),
            "macro_f1": defined_mean(np.where(positive > 0, f1, np.nan)),
            "lwlrap": ratio(precision.sum(axis=-1), positive.sum(axis=-1)),
            "ranking_loss": ratio(sums[..., self._loss], sums[..., self._lossy]),
            "ece": ratio(np.abs(share - mean).sum(axis=-1), count.sum(axis=-1)) * proper,
            "class_coverage": np.where(sums[..., self._clips] > 0, covered, np.nan),
        }

    def per_class(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Values of each class, `[..., class]`; NaN for those that `sample` yields and where a denominator is zero."""
        positive, _, hit, false, precision, _ = (sums[..., at] for at in self._at.values())
        nowhere = np.full(positive.shape, np.nan)
        return {
            "ap": nowhere,
            "auc": nowhere,
            "eer": nowhere,
            "f1": ratio(2 * hit, positive + hit + false),
            "precision": ratio(hit, hit + false),
            "recall": ratio(hit, positive),
            "lwlrap": ratio(precision, positive),
        }

    @property
    def curves(self) -> tuple[Hashable, ...]:
        """By tags."""
        return ("tags",)

    def tagged(self, scores: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The clips as they are."""
        return np.asarray(scores, np.float64), np.asarray(target, np.float64)

    def class_counts(self, sums: np.ndarray) -> np.ndarray:
        """Clips that hold each class, `[..., class]`."""
        return sums[..., self._at["positive"]]

    def reasons(self, sums: np.ndarray) -> dict[str, str]:
        """Why a metric is undefined for the statistics `[statistic]`."""
        if sums[self._clips] == 0:
            return dict.fromkeys([*self.metrics, *self.class_metrics], "no clips")
        positive, negative = sums[self._at["positive"]], sums[self._at["negative"]]
        found = dict.fromkeys(self.ranked, "a rank over clips cannot be had from sums: score the predictions")
        for name in ("d_prime", "d_prime_mean"):
            found[name] = "a class is ranked without a mistake, or in reverse, which makes d′ infinite"
        found |= dict.fromkeys(("ap", "auc", "eer"), "no positive clips, or for AUC and EER no negative ones")
        if not (positive > 0).any():
            found |= dict.fromkeys(("map", "micro_f1", "macro_f1", "lwlrap"), "no class has a positive clip")
        if not ((positive > 0) & (negative > 0)).any():
            found |= dict.fromkeys(("mauc", "d_prime", "d_prime_mean", "macro_eer"), "no class has both kinds of clips")
        if sums[self._lossy] == 0:
            found["ranking_loss"] = "no clip has both present and absent classes"
        if self._of_decisions(sums):
            found["ece"] = "hard decisions: every score is 0 or 1, so there is no probability to hold against anything"
        if sums[self._improper]:
            found["ece"] = f"the scores of {int(sums[self._improper])} clips lie outside 0…1"
        return found

    def notes(self, sums: np.ndarray) -> dict[str, str]:
        """Which figures rank nothing but ties."""
        ranks = ("map", "mauc", "d_prime", "d_prime_mean", "macro_eer", "lwlrap", "ranking_loss")
        said = dict.fromkeys(ranks, "of hard decisions: scores are 0 or 1, and ties")
        return said if self._of_decisions(sums) else {}

    def tables(self, scores: np.ndarray, target: np.ndarray, sums: np.ndarray) -> dict[str, LabelledTable]:
        """`reliability`: what each bin of scores holds, over all clips and classes."""
        if sums[self._improper] or self._of_decisions(sums):
            return {}
        count, mean, share = self._bin_sums(sums)
        edges = np.linspace(0, 1, self.bins + 1)
        names = tuple(f"{low:.3f}…{high:.3f}" for low, high in pairwise(edges))
        values = np.column_stack([count, ratio(mean, count), ratio(share, count)])
        columns = ("tags", "score", "present")
        return {"reliability": LabelledTable(names, columns, values, "score bin", "mean in bin", "tags, fraction")}

    def _of_decisions(self, sums: np.ndarray) -> np.ndarray:
        if sums.shape[-1] <= self._decided:
            return np.zeros(sums.shape[:-1], bool)  # sums of versions that did not tell
        return np.asarray((sums[..., self._clips] > 0) & (sums[..., self._decided] >= sums[..., self._clips]))

    def _bin_sums(self, sums: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        first = self._bins.start
        count, mean, share = (sums[..., first + i * self.bins : first + (i + 1) * self.bins] for i in range(3))
        return count, mean, share

    def _checked(self, scores: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        scores, target = np.asarray(scores, np.float64), np.asarray(target, np.float64)
        if scores.shape != target.shape or scores.ndim != 2 or scores.shape[1] != len(self.labels):
            raise CannotMeasure(
                f"scores of shape {list(scores.shape)} and references of shape {list(target.shape)} "
                f"for {len(self.labels)} classes"
            )
        finite = np.isfinite(scores).all(axis=1)
        if not finite.all():
            raise CannotMeasure(f"scores of {int((~finite).sum())} clips are not finite")
        known = ~np.isnan(target)
        if ((target < 0) | (target > 1)).any():
            raise CannotMeasure("references outside 0…1", hint="1 present, 0 absent, NaN unknown")
        return scores, (target > 0.5) & known, known


class _Clips(Sample):
    """Clips sorted by score within each class."""

    def __init__(self, scores: np.ndarray, positive: np.ndarray, known: np.ndarray, row: np.ndarray) -> None:
        self._ranked = RankedClasses(scores, positive, known, row)

    def scores(self, weights: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """mAP, mAUC, EER and both forms of d′ `[draw]`; AP, AUC and EER `[draw, class]`."""
        found = self._ranked.figures(weights)
        mauc = defined_mean(found.auc)
        means = {"map": defined_mean(found.ap), "mauc": mauc, "macro_eer": defined_mean(found.eer)}
        indices = {"d_prime": d_prime(mauc), "d_prime_mean": defined_mean(d_prime(found.auc))}
        return means | indices, {"ap": found.ap, "auc": found.auc, "eer": found.eer}


def d_prime(auc: np.ndarray) -> np.ndarray:
    """Sensitivity index d′ = √2 · Φ⁻¹(AUC): the distance of two unit normals that overlap to that AUC.

    Applied to the mean AUC it is the figure reported for AudioSet; the mean of the classes' d′ is another number.

    Examples
    --------
    >>> round(float(d_prime(np.array(0.95))), 4)
    2.3262
    """
    from scipy.special import ndtri

    return np.sqrt(2) * ndtri(auc)


class _Sorted:
    """The labels of each clip from the highest score down, those that nobody spoke of last.

    All that is asked is what stands at or above a present label, so that only present labels are looked at.
    """

    def __init__(self, scores: np.ndarray, positive: np.ndarray, known: np.ndarray) -> None:
        every = bool(known.all())
        # Labels of equal score speak with one voice, so that their order does not matter.
        order = np.argsort(-scores if every else -np.where(known, scores, -np.inf), 1, None if every else "stable")
        clips, classes = self._shape = scores.shape
        place = np.flatnonzero(np.take_along_axis(positive, order, axis=1))
        self._clip = place // max(1, classes)
        self._label = order.ravel()[place]
        ordered = np.take_along_axis(scores, order, axis=1)
        tied = np.zeros(scores.shape, bool)
        np.equal(ordered[:, :-1], ordered[:, 1:], out=tied[:, :-1])
        last = place
        if tied.any():
            # The last of a run of equal scores speaks for all of them.
            ends = np.flatnonzero(~tied)
            last = ends[np.searchsorted(ends, place)]
        self._rank = last - self._clip * classes + 1
        before = np.searchsorted(place, np.arange(clips) * classes)
        self._hits = np.searchsorted(place, last, side="right") - before[self._clip]
        self._spoken = np.minimum(self._rank, known.sum(axis=1)[self._clip])

    def precision(self) -> np.ndarray:
        """Of each present label the precision of the list that ends with it, `[clip, class]`; 0 for the others."""
        out = np.zeros(self._shape)
        out[self._clip, self._label] = self._hits / self._rank
        return out

    def loss(self, negative: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Share of each clip's pairs of a present and an absent label in the wrong order or tied; if it has any."""
        pairs = np.bincount(self._clip, minlength=len(negative)) * negative.sum(axis=1)
        wrong = np.bincount(self._clip, self._spoken - self._hits, minlength=len(negative))
        return np.where(pairs > 0, wrong / np.maximum(pairs, 1), 0.0), (pairs > 0).astype(np.float64)


def _precision_in_order(scores: np.ndarray, positive: np.ndarray, known: np.ndarray) -> np.ndarray:
    # Of labels with equal scores the later class stands first.
    order = np.argsort(np.where(known, scores, -np.inf), axis=1, kind="stable")[:, ::-1]
    hits = np.cumsum(np.take_along_axis(positive, order, axis=1), axis=1)
    out = np.empty(scores.shape)
    np.put_along_axis(out, order, hits / np.arange(1, scores.shape[1] + 1), axis=1)
    return np.where(positive, out, 0.0)


def _metrics(threshold: str, bins: int, ties: str) -> dict[str, MetricInfo]:
    def share(title: str, rule: str, chance: float | None = None) -> MetricInfo:
        return MetricInfo(title, rule, "fraction", "higher", chance, 0.0, 1.0)

    return {
        "map": share("mAP", "map:step-sum:classes-with-positives"),
        "mauc": share("mAUC", "mauc:ties-half:classes-with-both", 0.5),
        "d_prime": MetricInfo("d′", "d_prime:of-mean-auc", "d′", "higher", 0.0),
        "d_prime_mean": MetricInfo("Mean class d′", "d_prime:mean-over-classes", "d′", "higher", 0.0),
        "macro_eer": MetricInfo(
            "Equal error rate", "macro_eer:straight-lines:classes-with-both", "fraction", "lower", 0.5, 0.0, 1.0
        ),
        "micro_f1": share("Micro F1", f"micro_f1:{threshold}"),
        "macro_f1": share("Macro F1", f"macro_f1:{threshold}:classes-with-positives"),
        "lwlrap": share("lwlrap", f"lwlrap:ties-{ties}"),
        "ranking_loss": MetricInfo(
            "Label-ranking loss", "ranking_loss:clips-with-pairs:ties-wrong", "fraction", "lower", 0.5, 0.0, 1.0
        ),
        "ece": MetricInfo(
            "Expected calibration error",
            f"ece:{bins}-equal-width:all-tags",
            "fraction",
            "lower",
            None,
            0.0,
            1.0,
            no_interval="resampling inflates a calibration error",
        ),
        "class_coverage": share("Classes with positives", "class_coverage:positive-clips"),
    }


def _class_metrics(threshold: str, ties: str) -> dict[str, MetricInfo]:
    def share(title: str, rule: str, chance: float | None = None) -> MetricInfo:
        return MetricInfo(title, rule, "fraction", "higher", chance, 0.0, 1.0)

    return {
        "ap": share("AP", "ap:step-sum"),
        "auc": share("AUC", "auc:ties-half", 0.5),
        "eer": MetricInfo("Equal error rate", "eer:straight-lines", "fraction", "lower", 0.5, 0.0, 1.0),
        "f1": share("F1", f"f1:{threshold}"),
        "precision": share("Precision", f"precision:{threshold}"),
        "recall": share("Recall", f"recall:{threshold}"),
        "lwlrap": share("Class lwlrap", f"lwlrap:ties-{ties}"),
    }
