"""Average precision and AUC of clips with one class each, every class against the rest.

Beside accuracy (`metrics.further`), for sources that report a mean over classes of average precision or AUC for scenes,
keywords and environmental sounds. Both rank clips by the probability of a class, and so depend on the clips together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics.contract import Family, MetricInfo, Sample
from benchbed.metrics.ranked_classes import RankedClasses
from benchbed.metrics.ratios import defined_mean


def family(labels: Sequence[str], *, outside: int = 0, closed_of: int | None = None) -> SceneRanking:
    """The family for the given classes.

    Parameters
    ----------
    labels : sequence of str
        Class names, in the dataset's order.
    outside : int, default=0
        Further columns of scores, of classes that only the model knows; they rank nothing.
    closed_of : int, optional
        Classes of a model whose scores were cut down to those of the dataset; it is said in every rule.

    Examples
    --------
    >>> made = family(("bus", "tram"))
    >>> sample = made.sample(np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]), np.array([0, 1, 1]), np.arange(3), 3)
    >>> float(sample.scores(np.ones((1, 3)))[0]["map"][0])
    1.0
    """
    return SceneRanking(tuple(labels), outside, closed_of)


def example(generator: np.random.Generator, clips: int) -> tuple[SceneRanking, np.ndarray, np.ndarray]:
    """A family with random scores and references that fit it.

    Examples
    --------
    >>> metrics, scores, target = example(np.random.default_rng(0), 4)
    >>> scores.shape, target.shape
    ((4, 3), (4,))
    """
    made = family(("bus", "park", "tram"))
    return made, generator.dirichlet(np.full(3, 0.5), clips), generator.integers(0, 3, clips)


class SceneRanking(Family):
    """Rank metrics of clips with one class each, from class probabilities `[clip, class]` and class numbers `[clip]`.

    Classes without clips are left out of the means.
    """

    output = "scene"
    primary = "map"
    ranked = frozenset({"map", "mauc", "ap", "auc"})

    def __init__(self, labels: tuple[str, ...], outside: int = 0, closed_of: int | None = None) -> None:
        if len(labels) < 2 or len(set(labels)) != len(labels):
            raise ConfigError(f"ranking needs at least two different classes, not {list(labels)}")
        self.labels, self.columns = labels, len(labels) + outside
        cut = "" if closed_of is None else f":closed-set-{len(labels)}-of-{closed_of}"
        self.metrics = {
            "map": _share("mAP", "map:step-sum:one-against-rest" + cut),
            "mauc": _share("mAUC", "mauc:ties-half:one-against-rest" + cut, 0.5),
        }
        self.class_metrics = {
            "ap": _share("AP", "ap:step-sum:one-against-rest" + cut),
            "auc": _share("AUC", "auc:ties-half:one-against-rest" + cut, 0.5),
        }

    def statistics(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Clips of each class, `[clip, class]` float64; what ranks them is in `sample`.

        Raises
        ------
        CannotMeasure
            Wrong shapes, scores that are not finite, or class numbers outside the labels.
        """
        _, positive = self._checked(scores, target)
        return positive.astype(np.float64)

    def values(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """NaN for every metric: no sum gives a rank."""
        return {name: np.full(sums.shape[:-1], np.nan) for name in self.metrics}

    def per_class(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """NaN for every metric and class."""
        return {name: np.full(sums.shape, np.nan) for name in self.class_metrics}

    def sample(self, scores: np.ndarray, target: np.ndarray, row: np.ndarray, rows: int) -> Sample:
        """The clips themselves; arguments as in `statistics`."""
        held, positive = self._checked(scores, target)
        return _Clips(RankedClasses(held, positive, np.ones_like(positive), np.asarray(row)))

    def class_counts(self, sums: np.ndarray) -> np.ndarray:
        """Clips of each class, `[..., class]`."""
        return sums

    def reasons(self, sums: np.ndarray) -> dict[str, str]:
        """Why a metric is undefined for the statistics `[statistic]`."""
        if sums.sum() == 0:
            return dict.fromkeys([*self.metrics, *self.class_metrics], "no clips")
        found = dict.fromkeys(self.ranked, "a rank over clips cannot be had from sums: score the predictions")
        found |= {"ap": "no clips of this class", "auc": "no clips of this class, or of no other"}
        if (sums > 0).sum() < 2:
            found["mauc"] = "all clips are of one class"
        return found

    def _checked(self, scores: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scores, target = np.asarray(scores, np.float64), np.asarray(target)
        if scores.shape != (len(target), self.columns):
            raise CannotMeasure(
                f"scores of shape {list(scores.shape)} for {len(target)} clips and {self.columns} classes"
            )
        finite = np.isfinite(scores).all(axis=1)
        if not finite.all():
            raise CannotMeasure(f"scores of {int((~finite).sum())} clips are not finite")
        if target.size and (target.dtype.kind not in "iu" or target.min() < 0 or target.max() >= len(self.labels)):
            raise CannotMeasure(f"references must be class numbers 0…{len(self.labels) - 1}")
        count = len(self.labels)
        return scores[:, :count], target.astype(np.int64)[:, None] == np.arange(count)


class _Clips(Sample):
    def __init__(self, ranked: RankedClasses) -> None:
        self._ranked = ranked

    def scores(self, weights: np.ndarray) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """mAP and mAUC `[draw]`; AP and AUC `[draw, class]`."""
        found = self._ranked.figures(weights)
        return {"map": defined_mean(found.ap), "mauc": defined_mean(found.auc)}, {"ap": found.ap, "auc": found.auc}


def _share(title: str, rule: str, chance: float | None = None) -> MetricInfo:
    return MetricInfo(title, rule, "fraction", "higher", chance, 0.0, 1.0)
