"""Classes in a taxonomy: precision, recall, F1 and accuracy in which a near miss counts in part (DCASE 2026 Task 1).

An answer and its reference are the sets of a class and all of its ancestors (Kiritchenko, Matwin and Famili 2005). The
precision of an answer is the share of its set that is right, times a weight: 1 for the very class, `top_weight` (0.75)
for another one of the same top, 0 else; its recall is the same share of the reference's set. In two levels a near miss
thus counts 0.375. A class has the mean precision of the answers that name it, the mean recall of its clips, and the F1
of both; figures are means over classes that have clips. Hierarchical accuracy gives such a miss `accuracy_weight`
(0.5).

A class with clips that no answer names has no precision: it counts as zero. The published scorer of 2026 divides by
zero there, drops the class from all means, and so rewards whoever never says a class: of 23 classes with 40 clips each
one constant answer gets an F1 of 0.272 instead of 0.012. `official: true` does as it does, and says so in the rule.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchbed.errors import CannotMeasure, ConfigError
from benchbed.metrics.contract import Family, MetricInfo
from benchbed.metrics.ratios import defined_mean, ratio
from benchbed.metrics.taxonomy import PREFIX, Taxonomy, taxonomy_of

#: Sums of each class: its clips, answers that name it, precisions of these, recalls and accuracies of its clips, and
#: clips whose answer has the right top.
_SUMS = ("clips", "named", "precision", "recall", "accuracy", "top")


def family(
    labels: Sequence[str],
    *,
    taxonomy: str = PREFIX,
    top_weight: float = 0.75,
    accuracy_weight: float = 0.5,
    official: bool = False,
    outside: int = 0,
    closed_of: int | None = None,
) -> Hierarchical:
    """The family for the given classes.

    Parameters
    ----------
    labels : sequence of str
        Class names, in the dataset's order.
    taxonomy : str
        A file: a table of `class` and `parent`, or AudioSet's `ontology.json`; `prefix` where names of classes begin
        with that of their top and a hyphen.
    top_weight, accuracy_weight : float
        What another class of the same top counts.
    official : bool, default=False
        Leave classes that are never named out of the means, as the published scorer does.
    outside : int, default=0
        Further columns of scores, of classes that only the model knows; an answer among them is wrong.
    closed_of : int, optional
        Classes of a model whose scores were cut down to those of the dataset; it is said in every rule.

    Raises
    ------
    ConfigError
        A weight outside 0…1, or a taxonomy that is not there or lacks a class.
    DataError
        A taxonomy with a parent that is no class, or a circle.

    Examples
    --------
    >>> made = family(("fx-a", "fx-v", "ss-n"))
    >>> sums = made.statistics(np.array([[0.9, 0.1, 0.0], [0.8, 0.2, 0.0]]), np.array([0, 1])).sum(axis=0)
    >>> {name: round(float(value), 4) for name, value in made.values(sums).items() if "f1" in name or "acc" in name}
    {'hierarchical_f1': 0.4074, 'hierarchical_accuracy': 0.75, 'macro_top_accuracy': 1.0}
    """
    for name, weight in (("top_weight", top_weight), ("accuracy_weight", accuracy_weight)):
        if not 0 <= weight <= 1:
            raise ConfigError(f"hierarchical: {name}={weight:g}", hint="a share between 0 and 1")
    known = taxonomy_of(taxonomy, tuple(labels))
    return Hierarchical(tuple(labels), known, top_weight, accuracy_weight, official, outside, closed_of)


def example(generator: np.random.Generator, clips: int) -> tuple[Hierarchical, np.ndarray, np.ndarray]:
    """A family with random scores and references that fit it.

    Examples
    --------
    >>> metrics, scores, target = example(np.random.default_rng(0), 4)
    >>> scores.shape, target.shape
    ((4, 5), (4,))
    """
    made = family(("fx-a", "fx-v", "ss-n", "ss-u", "m-si"))
    return made, generator.dirichlet(np.full(5, 0.5), clips), generator.integers(0, 5, clips)


class Hierarchical(Family):
    """Metrics of clips with one class each, from class probabilities `[clip, class]` and class numbers `[clip]`."""

    output = "scene"
    primary = "hierarchical_f1"

    def __init__(
        self,
        labels: tuple[str, ...],
        taxonomy: Taxonomy,
        top_weight: float,
        accuracy_weight: float,
        official: bool,
        outside: int,
        closed_of: int | None,
    ) -> None:
        self.labels, self.columns, self.official = labels, len(labels) + outside, official
        paths = [taxonomy.path(label) for label in labels]
        tops = [taxonomy.tops(label) for label in labels]
        size = len(labels)
        shared = np.array([[len(one & other) for other in paths] for one in paths], np.float64).reshape(size, size)
        depth = np.array([len(path) for path in paths], np.float64)
        same = np.array([[bool(one & other) for other in tops] for one in tops], bool).reshape(size, size)
        weight = np.where(np.eye(size, dtype=bool), 1.0, top_weight * same)
        #: What an answer (row) is worth for a reference (column).
        self._precision, self._recall = weight * shared / depth[:, None], weight * shared / depth[None]
        self._accuracy = np.where(np.eye(size, dtype=bool), 1.0, accuracy_weight * same)
        self._same = same.astype(np.float64)
        lost = "never-named-dropped:official" if official else "never-named-zero"
        cut = "" if closed_of is None else f":closed-set-{size}-of-{closed_of}"
        by = f"kiritchenko:top-weight-{top_weight:g}:{lost}{cut}"

        def share(title: str, rule: str) -> MetricInfo:
            return MetricInfo(title, rule, "fraction", "higher", low=0.0, high=1.0)

        accuracy = f"accuracy:top-weight-{accuracy_weight:g}{cut}"
        self.metrics = {
            "hierarchical_f1": share("Hierarchical F1", f"f1:{by}"),
            "hierarchical_precision": share("Hierarchical precision", f"precision:{by}"),
            "hierarchical_recall": share("Hierarchical recall", f"recall:{by}"),
            "hierarchical_accuracy": share("Hierarchical accuracy", f"macro-{accuracy}"),
            "macro_top_accuracy": share("Macro accuracy of top classes", f"macro-accuracy:same-top{cut}"),
        }
        self.class_metrics = {
            "class_hierarchical_f1": share("Hierarchical F1", f"f1:{by}"),
            "class_hierarchical_precision": share("Hierarchical precision", f"precision:{by}"),
            "class_hierarchical_recall": share("Hierarchical recall", f"recall:{by}"),
            "class_hierarchical_accuracy": share("Hierarchical accuracy", accuracy),
            "class_top_accuracy": share("Accuracy of the top class", f"accuracy:same-top{cut}"),
        }

    def statistics(self, scores: np.ndarray, target: np.ndarray) -> np.ndarray:
        """Counts and worths of each clip's answer, by class, `[clip, statistic]` float64.

        Raises
        ------
        CannotMeasure
            Wrong shapes, scores that are not finite, or class numbers outside the labels.
        """
        scores, target = np.asarray(scores, np.float64), np.asarray(target)
        count, size = len(target), len(self.labels)
        if scores.shape != (count, self.columns):
            raise CannotMeasure(f"scores of shape {list(scores.shape)} for {count} clips and {self.columns} classes")
        if not np.isfinite(scores).all():
            raise CannotMeasure(f"scores of {int((~np.isfinite(scores).all(axis=1)).sum())} clips are not finite")
        if target.size and (target.dtype.kind not in "iu" or target.min() < 0 or target.max() >= size):
            raise CannotMeasure(f"references must be class numbers 0…{size - 1}")
        rows = np.zeros((count, len(_SUMS), size))
        if not count:
            return rows.reshape(count, -1)
        clip, named = np.arange(count), scores.argmax(axis=1)
        target = target.astype(np.int64)
        inside = named < size
        answer = np.where(inside, named, 0)
        rows[clip, 0, target] = 1
        rows[clip[inside], 1, answer[inside]] = 1
        rows[clip[inside], 2, answer[inside]] = self._precision[answer, target][inside]
        for place, worth in ((3, self._recall), (4, self._accuracy), (5, self._same)):
            rows[clip, place, target] = worth[answer, target] * inside
        return rows.reshape(count, -1)

    def values(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Every metric from summed statistics `[..., statistic]`; NaN without clips."""
        each = self.per_class(sums)
        there = self.class_counts(sums) > 0
        entering = there & (self._parts(sums)["named"] > 0) if self.official else there
        made = {}
        for name in ("f1", "precision", "recall"):
            values = np.where(entering, np.nan_to_num(each[f"class_hierarchical_{name}"]), np.nan)
            made[f"hierarchical_{name}"] = defined_mean(values)
        made["hierarchical_accuracy"] = defined_mean(np.where(there, each["class_hierarchical_accuracy"], np.nan))
        made["macro_top_accuracy"] = defined_mean(np.where(there, each["class_top_accuracy"], np.nan))
        return made

    def per_class(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Values of each class, `[..., class]`; without clips NaN, and never named zero where it has clips."""
        parts = self._parts(sums)
        there = parts["clips"] > 0
        precision = ratio(parts["precision"], parts["named"])
        precision = np.where(np.isnan(precision) & there, np.nan if self.official else 0.0, precision)
        recall = ratio(parts["recall"], parts["clips"])
        both = precision + recall
        f1 = np.where(both == 0, 0.0, ratio(2 * precision * recall, np.where(np.isnan(both), 0.0, both)))
        return {
            "class_hierarchical_f1": f1,
            "class_hierarchical_precision": np.where(there, precision, np.nan),
            "class_hierarchical_recall": recall,
            "class_hierarchical_accuracy": ratio(parts["accuracy"], parts["clips"]),
            "class_top_accuracy": ratio(parts["top"], parts["clips"]),
        }

    def class_counts(self, sums: np.ndarray) -> np.ndarray:
        """Reference clips of each class, `[..., class]`."""
        return self._parts(sums)["clips"]

    def reasons(self, sums: np.ndarray) -> dict[str, str]:
        """Why a metric is undefined for the statistics `[statistic]`."""
        if not self.class_counts(sums).any():
            return dict.fromkeys([*self.metrics, *self.class_metrics], "no clips")
        why = "no answer names this class" if self.official else "no clips of this class"
        return dict.fromkeys(self.class_metrics, why) | {
            name: "no class with clips is named" for name in self.metrics if self.official
        }

    def notes(self, sums: np.ndarray) -> dict[str, str]:
        """Classes that are never named."""
        parts = self._parts(sums)
        silent = [label for label, a, b in zip(self.labels, parts["clips"], parts["named"]) if a and not b]
        if not silent:
            return {}
        how = "left out of the mean" if self.official else "count as zero"
        listed = ", ".join(silent[:4]) + (", …" if len(silent) > 4 else "")
        said = f"{len(silent)} classes with clips are never named and {how}: {listed}"
        return {f"hierarchical_{name}": said for name in ("f1", "precision", *(("recall",) if self.official else ()))}

    def _parts(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        parted = sums.reshape(*sums.shape[:-1], len(_SUMS), len(self.labels))
        return {name: parted[..., place, :] for place, name in enumerate(_SUMS)}
